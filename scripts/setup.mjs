// What a fresh clone needs before anything else can run. Only Node's own modules here: nothing is installed yet.
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('..', import.meta.url))

const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`Lampas needs Node 20.19 or newer; this is Node ${process.versions.node}. Get one from https://nodejs.org`)
  process.exit(1)
}

/** Runs a command in the project's folder to its end; gives the exit code. */
export function run(command, args, options = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options })
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(signal ? 1 : code))
  })
}

/** Runs a command of an installed package with this very Node. `bin` is the script's path inside node_modules. */
export const runBin = (bin, args, options) => run(process.execPath, [join(root, 'node_modules', bin), ...args], options)

/** Brings a folder's node_modules to what its package-lock.json says; does nothing when it is there already. */
export async function install(folder = root) {
  if (installed(folder)) return
  console.log('Installing packages …')
  const args = ['ci', '--no-audit', '--no-fund', '--loglevel=error']
  const npm = process.env.npm_execpath
  const code = npm?.endsWith('.js')
    ? await run(process.execPath, [npm, ...args], { cwd: folder })
    : await run('npm', args, { cwd: folder, shell: process.platform === 'win32' })
  if (code === 0) return
  console.error('The packages could not be installed; npm says why above.')
  process.exit(1)
}

function installed(folder) {
  const stamp = join(folder, 'node_modules/.package-lock.json')
  if (!existsSync(stamp)) return false
  const packages = path => JSON.parse(readFileSync(path, 'utf8')).packages
  const have = packages(stamp)
  return Object.entries(packages(join(folder, 'package-lock.json'))).every(
    ([path, wanted]) => path === '' || (have[path] ? have[path].version === wanted.version : wanted.optional || wanted.devOptional || wanted.peer),
  )
}
