// Compiles assembly/ to the two binaries build/lampas.{simd,relaxed}.wasm: plain SIMD, and SIMD with fused multiply-add.
// A binary that is newer than every source is left as it is.
import { mkdir, readdir, rename, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const targets = ['simd', 'relaxed']

const modified = async path => (await stat(path).catch(() => null))?.mtimeMs ?? 0

async function newestSource() {
  const names = await readdir(join(root, 'assembly'))
  const paths = names.filter(n => n.endsWith('.ts')).map(n => join(root, 'assembly', n))
  const times = await Promise.all([join(root, 'asconfig.json'), ...paths].map(modified))
  return Math.max(...times)
}

async function compile(target) {
  // The compiler is loaded only when there is work for it: loading takes longer than compiling.
  const asc = await import('assemblyscript/asc')
  // Written under another name first, so that nobody ever reads half a file.
  const draft = `build/${target}.${process.pid}.wasm`
  const { error, stderr } = await asc.main(['--config', 'asconfig.json', '--target', target, '--baseDir', root, '--outFile', draft])
  if (error) throw new Error(`assembly/ does not compile:\n${stderr.toString()}`)
  // The optimizer's own remarks are of no use here.
  const messages = stderr.toString()
  if (messages.includes('WARNING')) console.warn(messages)
  await rename(join(root, draft), join(root, `build/lampas.${target}.wasm`))
}

/** Brings both binaries up to date. */
export async function buildWasm() {
  await mkdir(join(root, 'build'), { recursive: true })
  const newest = await newestSource()
  for (const target of targets) if ((await modified(join(root, `build/lampas.${target}.wasm`))) < newest) await compile(target)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildWasm()
