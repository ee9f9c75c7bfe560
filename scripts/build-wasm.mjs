// Compiles assembly/ to the two binaries build/lampas.{simd,relaxed}.wasm: plain SIMD, and SIMD with fused multiply-add; on demand
// also to small-simd and small-relaxed, which are an eighth smaller and on small tensors up to a tenth slower.
// A binary that is newer than every source is left as it is.
import { execFile } from 'node:child_process'
import { mkdir, readdir, rename, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const root = fileURLToPath(new URL('..', import.meta.url))

const modified = async path => (await stat(path).catch(() => null))?.mtimeMs ?? 0

async function newestSource() {
  const names = await readdir(join(root, 'assembly'))
  const paths = names.filter(n => n.endsWith('.ts')).map(n => join(root, 'assembly', n))
  const times = await Promise.all([join(root, 'asconfig.json'), ...paths].map(modified))
  return Math.max(...times)
}

async function compile(target, newest) {
  // Written under another name first, so that nobody ever reads half a file.
  const draft = `build/${target}.${process.pid}.wasm`
  const asc = join(root, 'node_modules/assemblyscript/bin/asc.js')
  const { stderr } = await promisify(execFile)(process.execPath, [asc, '--config', 'asconfig.json', '--target', target, '--outFile', draft], { cwd: root })
  // The optimizer's own remarks are of no use here.
  if (stderr.includes('WARNING')) console.warn(stderr)
  // As old as what it was made of: a source that changes meanwhile is newer.
  await utimes(join(root, draft), newest / 1000, newest / 1000)
  await rename(join(root, draft), join(root, `build/lampas.${target}.wasm`))
}

/** Brings binaries up to date. */
export async function buildWasm(targets = ['simd', 'relaxed']) {
  await mkdir(join(root, 'build'), { recursive: true })
  const newest = Math.floor(await newestSource())
  const ages = await Promise.all(targets.map(target => modified(join(root, `build/lampas.${target}.wasm`))))
  const old = targets.filter((_, i) => Math.ceil(ages[i]) < newest)
  if (old.length > 0) console.log('Compiling the kernels …')
  await Promise.all(old.map(target => compile(target, newest)))
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildWasm()
