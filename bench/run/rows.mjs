// The rows of the benchmark in the order of its table: what each costs at least (floating-point operations and bytes of one call), so that a
// time can be told as a share of the machine's limit, and the goals that it is held to. `on` names the one device that a row is for.

/** Operations of a dense layer. */
const dense = (batch, from, to) => 2 * batch * from * to
const product = (m, k, n) => ({ flops: 2 * m * k * n, bytes: 4 * (m * k + k * n + m * n) })

// A step is the pass forward and two products of its size backward, but for the gradient of the data, which nobody asks for.
const mlp = { forward: dense(128, 784, 512) + dense(128, 512, 256) + dense(128, 256, 10), data: dense(128, 784, 512) }
const cnn = { forward: 64 * (28 * 28 * 32 * 18 + 14 * 14 * 64 * 32 * 18) + dense(64, 3136, 128) + dense(64, 128, 10), data: 64 * 28 * 28 * 32 * 18 }
const gpt = { forward: 4 * (dense(1024, 128, 384 + 128 + 512 + 512) + 4 * 16 * 64 * 64 * 128) + dense(1024, 128, 65), data: 0 }
const lstm = { forward: 32 * dense(64, 128, 1024) + dense(64, 128, 10), data: 32 * dense(64, 128, 512) }
const training = ({ forward, data }) => ({ flops: 3 * forward - data })

/** `n` times as fast as the fastest other library in the page; a row that none of them can run is won. */
const faster = n => ({ text: `≥ ${n}× rival`, met: ({ ratio, rivals }) => (rivals === 0 ? undefined : (ratio ?? Infinity) >= n) })
const below = { ...faster(1), text: 'below every rival' }
const within = (most, unit = 'ms') => ({ text: `≤ ${most} ${unit}`, met: ({ ms }) => ms <= most })
const native = n => ({ text: `≤ ${n}× PyTorch`, met: ({ native }) => (native === undefined ? undefined : native <= n) })
/** All threads against one. */
const threaded = n => ({ text: `≥ ${n}× one thread`, met: f => (f.threaded ? f.threaded >= n : undefined) })
const ofPeak = share => ({ text: `≥ ${Math.round(share * 100)} % of the limit`, met: f => (f.share === undefined ? undefined : f.share >= share) })

/** The one of a setting: wasm on one thread, on several, webgpu. */
const by = (one, several, webgpu) => ({ device, threads }) => (device === 'webgpu' ? webgpu : threads === 1 ? one : several) ?? []

const square = n => [`matmul ${n}`, { ...product(n, n, n), goals: n < 128 ? undefined : by([faster(1.6), ofPeak(0.88)], [faster(1.8), ofPeak(0.8)]) }]
const steps = by([faster(2), native(1.6)], [faster(2)], [faster(2)])

// Element by element a formula counts as its additions and multiplications: GELU 31 with the rational tanh, softmax 24, layer norm 8.
export const rows = Object.fromEntries([
  ...[64, 128, 256, 512, 1024].map(square),
  ['matmul 128×784×512', { ...product(128, 784, 512), goals: by([faster(1.6)], [faster(1.8)]) }],
  ['vector·matrix 1024', product(1, 1024, 1024)],
  ['GELU 1M', { flops: 31 * 2 ** 20, bytes: 8 * 2 ** 20, goals: by([within(1.6)]) }],
  ['sum 4M', { flops: 2 ** 22, bytes: 4 * 2 ** 22, reads: true, goals: by([within(0.8)]) }],
  ['softmax 1024²', { flops: 24 * 2 ** 20, bytes: 8 * 2 ** 20, goals: by([within(1)]) }],
  ['layer norm 1024²', { flops: 8 * 2 ** 20, bytes: 8 * 2 ** 20, goals: by([within(0.8)]) }],
  ['10,000 adds of 16', { on: 'wasm', goals: by([faster(2)]) }],
  ['10,000 adds of 16, on the tape', { on: 'wasm', goals: by([within(15)], [within(15)]) }],
  ['small MLP step', { goals: steps }],
  ['small MLP step, eager', { on: 'wasm' }],
  ['MLP step', { ...training(mlp), goals: by([faster(1.8), native(1.6)], [faster(3), threaded(1.7)], [faster(2)]) }],
  ['MLP step, eager', { ...training(mlp), on: 'wasm' }],
  ['CNN step', { ...training(cnn), goals: by([faster(2), within(60), native(1.6)], [faster(2), threaded(1.7)], [faster(2)]) }],
  ['CNN step, eager', { ...training(cnn), on: 'wasm' }],
  ['GPT step', { ...training(gpt), goals: by([faster(2), within(130), native(1.6)], [faster(2), within(75), threaded(1.7)], [faster(2)]) }],
  ['GPT step, eager', { ...training(gpt), on: 'wasm' }],
  ['LSTM step', { ...training(lstm), goals: steps }],
  ['LSTM step, eager', { ...training(lstm), on: 'wasm' }],
  ['MLP forward', { flops: mlp.forward }],
  ['CNN forward', { flops: cnn.forward }],
  ['GPT forward', { flops: gpt.forward }],
])

/** Of a page as a whole: the driver measures them itself. */
export const coldStart = 'cold start to the first MLP step'
export const fetched = 'bytes fetched, gzip'
export const held = 'bytes held after MLP steps'
export const pages = {
  [coldStart]: { goals: () => [below] },
  [fetched]: { goals: () => [below], unit: 'KiB' },
  [held]: { unit: 'MiB' },
}
