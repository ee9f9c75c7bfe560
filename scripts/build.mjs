// `npm run build`: what is published, in dist/. ES modules (one per entry of `exports` in package.json, shared code in chunks) with
// the wasm files beside them, declarations in types/, and lampas.min.js: one classic script with everything inside.
// package.json's `sideEffects` lists this repository's own sources, whose order of running matters; nothing in dist/ does.
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { gzipSync, deflateRawSync } from 'node:zlib'
import { install, root, runBin } from './setup.mjs'

await install()
const { rolldown } = await import('rolldown')
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
    transform: { target: 'es2022' },
    onLog(level, log) {
      if (level === 'warn') throw new Error(`The bundle has a flaw: ${log.message}`)
    },
    ...input,
  })
  await build.write({ dir: dist, comments: { legal: false }, ...output })
  await build.close()
}

/** The sources find their binaries in build/; published modules find them beside themselves. */
const besideTheModule = {
  name: 'wasm-beside-the-module',
  renderChunk: code => ({ code: code.replaceAll('../../../build/lampas.', './lampas.') }),
}

async function modules() {
  await bundle(
    { input: entries, platform: 'neutral', plugins: [besideTheModule] },
    { format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'shared-[hash].js' },
  )
  await Promise.all(wasm.map(name => copyFile(join(root, `build/lampas.${name}.wasm`), join(dist, `lampas.${name}.wasm`))))
}

async function declarations() {
  if ((await runBin('typescript/bin/tsc', ['-p', 'tsconfig.build.json'])) !== 0) throw new Error('The declarations do not compile.')
  const folder = join(dist, 'types')
  for (const entry of await readdir(folder, { recursive: true })) {
    if (!entry.endsWith('.d.ts')) continue
    const file = join(folder, entry)
    const text = await readFile(file, 'utf8')
    await writeFile(file, text.replace(/(['"])(\.{1,2}\/[^'"]+)\.ts\1/g, '$1$2.js$1'))
  }
}

/** Deflated before base64: four fifths of the size, also after the server's gzip. */
async function embedded() {
  const pairs = await Promise.all(
    wasm.map(async name => [name, deflateRawSync(await readFile(join(root, `build/lampas.${name}.wasm`)), { level: 9 }).toString('base64')]),
  )
  return `export default ${JSON.stringify(Object.fromEntries(pairs))}`
}

async function script() {
  const inside = {
    name: 'wasm-inside',
    resolveId: id => (id === 'lampas:wasm' ? id : null),
    load: id => (id === 'lampas:wasm' ? embedded() : null),
  }
  await bundle(
    { input: join(root, 'src/script-tag.ts'), platform: 'neutral', plugins: [inside] },
    {
      format: 'iife',
      name: 'lampas',
      minify: true,
      entryFileNames: 'lampas.min.js',
      footer: 'typeof module=="object"&&module.exports&&(module.exports=lampas);',
    },
  )
}

await rm(dist, { recursive: true, force: true })
await mkdir(dist)
await buildWasm()
await modules()
await script()
await declarations()
for (const name of (await readdir(dist)).filter(file => /\.(js|wasm)$/.test(file))) {
  const bytes = await readFile(join(dist, name))
  console.log(`dist/${name}`.padEnd(32), `${(bytes.length / 1024).toFixed(1)} KB`.padStart(10), `${(gzipSync(bytes).length / 1024).toFixed(1)} KB gzip`.padStart(16))
}
