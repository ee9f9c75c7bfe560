// The machine's limits as a page meets them: fused multiply–adds in registers, and bandwidth of reading and of copying, in the third cache and
// in memory. The loops are a tiny wasm module made here; each thread has its own.
import binaryen from 'binaryen'

const CHAINS = 12
const PAGES = 65536

const list = (length, text) => Array.from({ length }, (_, i) => text(i)).join('\n')
const total = names => names.split(' ').map(name => `(local.get ${name})`).reduce((a, b) => `(f32x4.add ${a} ${b})`)

/** `fma(times)`: independent chains of fused multiply–adds. `sum(at, bytes)` reads, `copy(to, from, bytes)` moves. */
function loops() {
  const module = binaryen.parseText(`(module
    (memory (export "memory") 1 ${PAGES})
    (func (export "fma") (param $times i32) (result f32)
      (local $half v128) ${list(CHAINS, i => `(local $x${i} v128)`)}
      (local.set $half (v128.const f32x4 0.5 0.5 0.5 0.5))
      ${list(CHAINS, i => `(local.set $x${i} (v128.const f32x4 ${i} ${i} ${i} ${i}))`)}
      (loop $again
        ${list(CHAINS, i => `(local.set $x${i} (f32x4.relaxed_madd (local.get $x${i}) (local.get $half) (local.get $half)))`)}
        (br_if $again (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
      (f32x4.extract_lane 0 ${total(list(CHAINS, i => `$x${i}`).replaceAll('\n', ' '))}))
    (func (export "sum") (param $at i32) (param $bytes i32) (result f32)
      (local $end i32) ${list(4, i => `(local $s${i} v128)`)}
      (local.set $end (i32.add (local.get $at) (local.get $bytes)))
      (loop $again
        ${list(4, i => `(local.set $s${i} (f32x4.add (local.get $s${i}) (v128.load offset=${16 * i} (local.get $at))))`)}
        (local.set $at (i32.add (local.get $at) (i32.const 64)))
        (br_if $again (i32.lt_u (local.get $at) (local.get $end))))
      (f32x4.extract_lane 0 ${total('$s0 $s1 $s2 $s3')}))
    (func (export "copy") (param $to i32) (param $from i32) (param $bytes i32)
      (memory.copy (local.get $to) (local.get $from) (local.get $bytes))))`)
  module.setFeatures(binaryen.Features.All)
  if (!module.validate()) throw new Error('The loops that measure the limits are no valid module.')
  return module.emitBinary()
}

/** What a worker does: runs loops within common windows of time and says how much it did in each. */
function worker() {
  const now = () => performance.timeOrigin + performance.now()
  let exports
  onmessage = async ({ data }) => {
    if (data.bytes) {
      exports = (await WebAssembly.instantiate(data.bytes)).instance.exports
      exports.memory.grow((2 * data.most) / 65536)
      new Uint8Array(exports.memory.buffer).fill(1)
      return postMessage('ready')
    }
    const { kind, size, from, to } = data
    while (now() < from);
    let calls = 0
    const began = now()
    while (now() < to) {
      if (kind === 'fma') exports.fma(size)
      else if (kind === 'sum') exports.sum(0, size)
      else exports.copy(size, 0, size)
      calls++
    }
    return postMessage(calls / (now() - began))
  }
}

/** In the page: the best window of several, in units a millisecond, for each of `jobs` and number of threads. */
async function measure({ bytes, source, jobs, threads, windows, length, most }) {
  const url = URL.createObjectURL(new Blob([`(${source})()`]))
  const answer = w => new Promise((resolve, reject) => Object.assign(w, { onmessage: e => resolve(e.data), onerror: reject }))
  const workers = Array.from({ length: threads }, () => new Worker(url))
  await Promise.all(workers.map(w => (w.postMessage({ bytes: new Uint8Array(bytes), most }), answer(w))))
  const best = {}
  for (let i = 0; i <= windows; i++)
    for (const { name, kind, size, work } of jobs) {
      const from = performance.timeOrigin + performance.now() + 5
      const rates = await Promise.all(workers.map(w => (w.postMessage({ kind, size, from, to: from + length }), answer(w))))
      // In the first window the engine still compiles.
      if (i > 0) best[name] = Math.max(best[name] ?? 0, rates.reduce((a, b) => a + b) * work)
    }
  workers.forEach(w => w.terminate())
  return best
}

const L3 = 2 << 20
const MEMORY = 64 << 20
const jobs = [
  { name: 'fma', kind: 'fma', size: 20_000, work: 20_000 * CHAINS * 8 },
  { name: 'read, cache', kind: 'sum', size: 2 * L3, work: 2 * L3 },
  { name: 'copy, cache', kind: 'copy', size: L3, work: 2 * L3 },
  { name: 'read, memory', kind: 'sum', size: MEMORY, work: MEMORY },
  { name: 'copy, memory', kind: 'copy', size: MEMORY, work: 2 * MEMORY },
]

/** GFLOP/s and GB/s of one thread and of several, in a browser. */
export async function limits(browser, threads, windows) {
  const context = await browser.newContext()
  try {
    const page = await context.newPage()
    await page.route('**/*', route => route.fulfill({ contentType: 'text/html', body: '<!doctype html>' }))
    await page.goto('http://localhost/')
    const found = {}
    for (const n of new Set([1, threads])) {
      const rates = await page.evaluate(measure, { bytes: [...loops()], source: String(worker), jobs, threads: n, windows, length: 60, most: MEMORY })
      found[n] = Object.fromEntries(Object.entries(rates).map(([name, perMs]) => [name, perMs / 1e6]))
    }
    return found
  } finally {
    await context.close()
  }
}
