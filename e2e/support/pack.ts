// Before the tests: builds dist/ and packs it as `npm publish` would, into build/pack/lampas.tgz.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))
const folder = `${root}build/pack`

/** The packed package. */
export const packed = `${folder}/lampas.tgz`

export default function pack(): void {
  rmSync(folder, { recursive: true, force: true })
  mkdirSync(folder, { recursive: true })
  execFileSync('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: root, stdio: ['ignore', 'ignore', 'inherit'], shell: process.platform === 'win32' })
  const [file] = readdirSync(folder)
  renameSync(`${folder}/${file}`, packed)
}
