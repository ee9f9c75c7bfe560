// `npm run build`: what is published, in dist/. The modules lie there as in the repository, compiled and with their declarations, so that bundlers
// keep of them what a page uses; so do the wasm files that they fetch. lampas.min.js is one classic script with everything inside,
// lampas.lite.min.js one with what most training needs.
import { copyFile, mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { classNames } from './class-names.mjs'
import { difference } from './patch.mjs'
import { install, root, runBin } from './setup.mjs'

await install()
const { rolldown } = await import('rolldown')
const { default: zopfli } = await import('@gfx/zopfli')
const { buildWasm } = await import('./build-wasm.mjs')

const dist = join(root, 'dist')
const wasm = ['simd', 'relaxed']
const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))

/** The modules that the package opens to others. */
const entries = Object.values(exports).flatMap(({ types, default: file }) => (types ? [types, file] : [])).map(file => file.slice('./dist/'.length))

/** The modules and declarations that the entries need, with links that any compiler follows. */
async function modules() {
  if ((await runBin('typescript/bin/tsc', ['-p', 'tsconfig.build.json'])) !== 0) throw new Error('The modules do not compile.')
  const needed = new Set(entries)
  // A Set hands out what is added while it is walked.
  for (const file of needed) {
    const text = await readFile(join(root, 'build/modules', file), 'utf8')
    const declares = file.endsWith('.d.ts')
    const linked = text.replace(/(['"])(\.{1,2}\/[^'"]+)\.(?:ts|js)\1/g, (_, quote, path) => {
      needed.add(join(dirname(file), `${path}${declares ? '.d.ts' : '.js'}`))
      return `${quote}${path}.js${quote}`
    })
    const disposable = declares && /\[Symbol\.(asyncD|d)ispose\]/.test(text) ? '/// <reference lib="esnext.disposable" />\n' : ''
    const target = join(dist, file)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, declares ? disposable + linked : (classNames.transform(linked, target)?.code ?? linked))
  }
  await mkdir(join(dist, 'build'))
  await Promise.all(wasm.map(name => copyFile(join(root, `build/lampas.${name}.wasm`), join(dist, `build/lampas.${name}.wasm`))))
}

/** A binary after one more pass of the optimiser, for size. */
async function shrunk(name) {
  const [from, to] = [join(root, `build/lampas.${name}.wasm`), join(root, `build/${name}.shrunk.wasm`)]
  if ((await runBin('binaryen/bin/wasm-opt', ['-Oz', '-all', from, '-o', to])) !== 0) throw new Error(`wasm-opt does not take ${from}.`)
  return readFile(to)
}

/** The binaries as src/embedded.ts unpacks them. They differ little, so the second is told as its difference from the first. */
async function embedded() {
  const small = wasm.map(name => `small-${name}`)
  await buildWasm(small)
  const [simd, relaxed] = await Promise.all(small.map(shrunk))
  const pack = async bytes => Buffer.from(await zopfli.deflateAsync(bytes, {})).toString('base64')
  return JSON.stringify({ simd: await pack(simd), relaxed: await pack(difference(simd, relaxed)) })
}

/** In a script that is one file nothing is fetched later: dynamic imports become static ones. */
const atOnce = {
  name: 'at-once',
  transform(code) {
    const paths = []
    const replaced = code.replace(/await import\(('[^']+')\)/g, (_, path) => `inside${paths.push(path)}`)
    return paths.length > 0 ? paths.map((path, i) => `import * as inside${i + 1} from ${path}\n`).join('') + replaced : null
  },
}

/** The classic script `file` of one of the entries in src/. */
async function script(entry, file, LAMPAS_WASM) {
  const build = await rolldown({
    cwd: root,
    input: join(root, entry),
    platform: 'neutral',
    plugins: [classNames, atOnce],
    transform: { target: 'es2022', define: { LAMPAS_WASM, 'import.meta.url': '""' } },
    onLog(level, log) {
      if (level === 'warn') throw new Error(`The bundle has a flaw: ${log.message}`)
    },
  })
  await build.write({
    dir: dist,
    format: 'iife',
    name: 'lampas',
    minify: true,
    comments: false,
    esModule: false,
    entryFileNames: file,
    footer: 'typeof module=="object"&&module.exports&&(module.exports=lampas);',
  })
  await build.close()
}

await rm(dist, { recursive: true, force: true })
await mkdir(dist)
await buildWasm()
await modules()
const inside = await embedded()
await script('src/script-tag.ts', 'lampas.min.js', inside)
await script('src/script-tag-lite.ts', 'lampas.lite.min.js', inside)
for (const name of (await readdir(dist)).filter(file => /\.(js|wasm)$/.test(file))) {
  const bytes = await readFile(join(dist, name))
  console.log(`dist/${name}`.padEnd(32), `${(bytes.length / 1024).toFixed(1)} KB`.padStart(10), `${(gzipSync(bytes).length / 1024).toFixed(1)} KB gzip`.padStart(16))
}
