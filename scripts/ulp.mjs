// `node scripts/ulp.mjs`: measures the elementwise functions on both builds of wasm and on WebGPU and writes docs/accuracy.md.
//   --build simd|relaxed|webgpu   prints one column instead
//   --count 100000                points for each function
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { rolldown } from 'rolldown'
import { root } from './setup.mjs'

const { values: asked } = parseArgs({ options: { build: { type: 'string' }, count: { type: 'string', default: '100000' } } })

// The sources find the wasm files three folders up, so the bundle lies as deep as they do.
const folder = join(root, `build/ulp/${process.pid}`)
async function load() {
  const build = await rolldown({ cwd: root, input: { ulp: 'test/accuracy/node.ts' }, platform: 'node', external: ['webgpu'], logLevel: 'silent' })
  await build.write({ dir: folder, format: 'esm', entryFileNames: '[name].mjs', chunkFileNames: '[name].mjs' })
  await build.close()
  return import(pathToFileURL(join(folder, 'ulp.mjs')).href)
}

const digits = x => (x === Infinity ? '∞' : x < 10 ? x.toFixed(2) : x.toFixed(0))
const bound = x => (Math.abs(x) > 1e38 ? (x < 0 ? '−max' : 'max') : String(x).replace('-', '−').replace('+', ''))
const range = ranges => ranges.map(([low, high]) => `${bound(low)} … ${bound(high)}`).join(', ')

try {
  const { builds, measureAll } = await load()
  const columns = []
  for (const build of asked.build ? [asked.build] : builds) columns.push(await measureAll(build, Number(asked.count)))
  const [first] = columns
  if (asked.build) {
    for (const r of first) console.log(r.name.padEnd(24), digits(r.worst).padStart(8), `(≤ ${r.allowed})`.padEnd(9), ' at', r.at.join(', '), r.worst > r.allowed ? `GOT ${r.got} WANT ${r.want}` : '')
  } else {
    const rows = first.map((r, i) => `| ${r.name} | ${range(r.ranges)} | ${columns.map(c => (c ? digits(c[i].worst) : '')).join(' | ')} | ${r.scale ? bound(r.scale) : ''} |`)
    await writeFile(join(root, 'docs/accuracy.md'), `# Accuracy

Worst error of the elementwise functions in units in the last place (ulp) of float32, over ${Number(asked.count).toLocaleString('en')} operands each: half of them spread evenly over
the range, half over its representable numbers. The exact value is float64's of the same operands. The two builds of wasm are plain SIMD and
SIMD with fused multiply-add; WebGPU is a software adapter (SwiftShader through Dawn), where subnormal numbers are left out, since WGSL lets a
device take them for 0. Where a function crosses zero the error is counted in ulp of a number that is at least as large as the last column
says. \`node scripts/ulp.mjs\` writes this page, and \`test/accuracy\` fails when a bound is crossed.

| function | operands | wasm | wasm, fused | webgpu | of at least |
| --- | --- | --- | --- | --- | --- |
${rows.join('\n')}
`)
  }
} finally {
  await rm(folder, { recursive: true, force: true })
}
process.exit(0)
