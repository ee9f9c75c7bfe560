// The wasm kernels alone, in GFLOP/s: products of several sizes, and the layers of a small image classifier with their gradients.
// Both builds on one and two threads take turns, and the best of their rounds counts.
import type { Backend } from '../src/backend/backend.ts'
import { openWasm } from '../src/backend/wasm/index.ts'
import { numel, type Shape } from '../src/core/shape.ts'
import { contiguousView, permuteView, type View } from '../src/core/view.ts'
import type { ConvKernel, Kernel, MatmulKernel } from '../src/ir/kernel.ts'

type Report = (row: Record<string, string | number>) => void

interface Case {
  readonly name: string
  readonly kernel: Kernel
  /** Floating-point operations of one run. */
  readonly work: number
}

const view = (...shape: Shape): View => contiguousView('float32', shape)
const turned = (v: View): View => permuteView(v, [1, 0])

function product(name: string, m: number, n: number, k: number, a = view(m, k), b = view(k, n)): Case {
  const kernel: MatmulKernel = { kind: 'matmul', inputs: [a, b], outputs: [view(m, n)] }
  return { name, kernel, work: 2 * m * n * k }
}

/** Convolution of one group, 3 × 3 with padding 1, in the three forms that training needs. */
function layer(images: number, channels: number, outs: number, size: number): Case[] {
  const x = view(1, images, channels, size, size)
  const y = view(1, images, outs, size, size)
  const w = view(1, outs, channels, 3, 3)
  const swap = (v: View): View => permuteView(v, [0, 2, 1, 3, 4])
  const flipped: View = { ...w, strides: [...w.strides.slice(0, 3), -3, -1], offset: 8 }
  const same = { stride: [1, 1], dilation: [1, 1], inputDilation: [1, 1], padLow: [1, 1] }
  const conv = (name: string, a: View, b: View, out: View): Case => {
    const kernel: ConvKernel = { kind: 'conv', inputs: [a, b], outputs: [out], ...same }
    return { name: `conv ${size}×${size} ${channels}→${outs} ${name}`, kernel, work: 18 * numel(y.shape) * channels }
  }
  return [conv('forward', x, w, y), conv('gradient for x', y, swap(flipped), x), conv('gradient for w', swap(x), swap(y), swap(w))]
}

const cases: Case[] = [
  ...[16, 32, 64, 128, 256, 512, 1024].map(n => product(`${n}³`, n, n, n)),
  product('512³, A turned', 512, 512, 512, turned(view(512, 512))),
  product('512³, B turned', 512, 512, 512, undefined, turned(view(512, 512))),
  product('128×784 · 784×512', 128, 512, 784),
  product('784×128 · 128×512, A turned', 784, 512, 128, turned(view(128, 784))),
  product('64×128 · 128×10', 64, 10, 128),
  product('4×1024 · 1024×1024', 4, 1024, 1024),
  product('1×1024 · 1024×1024', 1, 1024, 1024),
  product('1×1024 · 1024×1024, B turned', 1, 1024, 1024, undefined, turned(view(1024, 1024))),
  ...layer(64, 1, 32, 28),
  ...layer(64, 32, 64, 14),
  ...layer(64, 64, 32, 14),
]

interface Contender {
  readonly name: string
  readonly backend: Backend
}

/** Shortest time of one run, in ms, for each contender in turn. */
function measure(contenders: readonly Contender[], kernel: Kernel): number[] {
  const plans = contenders.map(({ backend }) => {
    const views = [...kernel.inputs, ...kernel.outputs]
    const blocks = views.map(v => {
      const block = backend.alloc(numel(v.shape) * 4)
      backend.write(block, 0, new Float32Array(numel(v.shape)).fill(0.1))
      return block
    })
    const plan = backend.prepare([{ kernel, blocks }])
    const end = (): void => {
      plan.dispose()
      blocks.forEach(b => backend.free(b))
    }
    return { plan, end, best: Infinity }
  })
  const round = ({ plan }: (typeof plans)[number], times: number): number => {
    const start = performance.now()
    for (let i = 0; i < times; i++) plan.run()
    return performance.now() - start
  }
  // A round lasts some milliseconds, many steps of the clock.
  const times = plans.map(p => {
    let n = 1
    // Thrice, since a round may be held up by others.
    while (Math.min(round(p, n), round(p, n), round(p, n)) < 2) n *= 2
    return n
  })
  for (let turn = 0; turn < 40; turn++) plans.forEach((p, i) => (p.best = Math.min(p.best, round(p, times[i]) / times[i])))
  plans.forEach(p => p.end())
  return plans.map(p => p.best)
}

export default async function kernels(report: Report): Promise<void> {
  const contenders: Contender[] = []
  for (const relaxed of [false, true])
    for (const threads of [1, 2]) {
      const backend = await openWasm({ threads, relaxed })
      contenders.push({ name: backend.info.detail, backend })
    }
  for (const { name, kernel, work } of cases) {
    const times = measure(contenders, kernel)
    report({ name, ...Object.fromEntries(contenders.map((c, i) => [c.name, Number((work / times[i] / 1e6).toFixed(1))])) })
  }
  contenders.forEach(c => c.backend.dispose())
}
