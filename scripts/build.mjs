// `npm run build`: what is published, in dist/. All code lies in house.js; the entries (`exports` in package.json) pass on parts of
// it, so that no bundler can drop the lines that hang methods on Tensor. The wasm files lie beside it, declarations in types/, and
// lampas.min.js is one classic script with everything inside, lampas.lite.min.js one with what most training needs.
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { dirname, join, relative } from 'node:path'
import { gzipSync } from 'node:zlib'
import { difference } from './patch.mjs'
import { install, root, runBin } from './setup.mjs'

await install()
const { rolldown } = await import('rolldown')
const { default: zopfli } = await import('@gfx/zopfli')
const { buildWasm } = await import('./build-wasm.mjs')

const dist = join(root, 'dist')
const wasm = ['simd', 'relaxed']
const { exports } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'))

/** `./nn` of the package is `src/nn/index.ts` in the repository. */
const entries = Object.fromEntries(
  Object.values(exports)
    .filter(target => target.types)
    .map(({ types, default: file }) => [file.slice('./dist/'.length, -'.js'.length), join(root, types.replace('./dist/types', 'src').replace('.d.ts', '.ts'))]),
)

async function bundle(input, output) {
  const build = await rolldown({
    cwd: root,
    platform: 'neutral',
    transform: { target: 'es2022' },
    onLog(level, log) {
      if (level === 'warn') throw new Error(`The bundle has a flaw: ${log.message}`)
    },
    ...input,
  })
  await build.write({ dir: dist, ...output })
  await build.close()
}

/** The sources find their binaries in build/; published modules find them beside themselves. */
const besideTheModule = {
  name: 'wasm-beside-the-module',
  renderChunk: code => ({ code: code.replaceAll('../../../build/lampas.', './lampas.') }),
}

async function modules() {
  await bundle(
    { input: entries, plugins: [besideTheModule] },
    { format: 'esm', entryFileNames: '[name].js', chunkFileNames: '[name].js', codeSplitting: { groups: [{ name: 'house', test: /./ }] } },
  )
  await Promise.all(wasm.map(name => copyFile(join(root, `build/lampas.${name}.wasm`), join(dist, `lampas.${name}.wasm`))))
}

/** The declarations that the entries need, with links that any compiler follows. */
async function declarations() {
  if ((await runBin('typescript/bin/tsc', ['-p', 'tsconfig.build.json'])) !== 0) throw new Error('The declarations do not compile.')
  const emitted = join(root, 'build/types/src')
  const needed = new Set(Object.values(entries).map(file => relative(join(root, 'src'), file).replace(/\.ts$/, '.d.ts')))
  // A Set hands out what is added while it is walked.
  for (const file of needed) {
    const text = await readFile(join(emitted, file), 'utf8')
    const linked = text.replace(/(['"])(\.{1,2}\/[^'"]+)\.ts\1/g, (_, quote, path) => {
      needed.add(join(dirname(file), `${path}.d.ts`))
      return `${quote}${path}.js${quote}`
    })
    const disposable = /\[Symbol\.(asyncD|d)ispose\]/.test(text) ? '/// <reference lib="esnext.disposable" />\n' : ''
    const target = join(dist, 'types', file)
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, disposable + linked)
  }
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

/** The classic script `file` of one of the entries in src/. */
async function script(entry, file, LAMPAS_WASM) {
  await bundle(
    { input: join(root, entry), transform: { target: 'es2022', define: { LAMPAS_WASM, 'import.meta.url': '""' } } },
    {
      format: 'iife',
      name: 'lampas',
      minify: true,
      comments: false,
      esModule: false,
      entryFileNames: file,
      footer: 'typeof module=="object"&&module.exports&&(module.exports=lampas);',
    },
  )
}

await rm(dist, { recursive: true, force: true })
await mkdir(dist)
await buildWasm()
await modules()
const inside = await embedded()
await script('src/script-tag.ts', 'lampas.min.js', inside)
await script('src/script-tag-lite.ts', 'lampas.lite.min.js', inside)
await declarations()
for (const name of (await readdir(dist)).filter(file => /\.(js|wasm)$/.test(file))) {
  const bytes = await readFile(join(dist, name))
  console.log(`dist/${name}`.padEnd(32), `${(bytes.length / 1024).toFixed(1)} KB`.padStart(10), `${(gzipSync(bytes).length / 1024).toFixed(1)} KB gzip`.padStart(16))
}
