// Whole training steps, eager and compiled: the digits CNN of the playground, an MLP and a small character transformer, all with
// Adam, on random data. Contenders take turns; a row gives the median and the best time of a step.
import { closeDevice, compile, init, manualSeed, memory, nn, ones, optim, randint, randn, scope, type Tensor } from 'lampas'

type Report = (row: Record<string, string | number>) => void

class Digits extends nn.Module {
  conv1 = new nn.Conv2d(1, 16, 3, { padding: 1 })
  conv2 = new nn.Conv2d(16, 32, 3, { padding: 1 })
  fc1 = new nn.Linear(128, 64)
  fc2 = new nn.Linear(64, 10)
  override forward(x: Tensor): Tensor {
    const a = this.conv1.forward(x).relu().maxPool2d(2)
    const b = this.conv2.forward(a).relu().maxPool2d(2)
    return this.fc2.forward(this.fc1.forward(b.flatten(1)).relu())
  }
}

class Block extends nn.Module {
  norm1: nn.LayerNorm
  attention: nn.MultiheadAttention
  norm2: nn.LayerNorm
  mlp: nn.Sequential
  constructor(width: number, heads: number) {
    super()
    this.norm1 = new nn.LayerNorm(width)
    this.attention = new nn.MultiheadAttention(width, heads, { batchFirst: true })
    this.norm2 = new nn.LayerNorm(width)
    this.mlp = new nn.Sequential(new nn.Linear(width, 4 * width), new nn.GELU(), new nn.Linear(4 * width, width))
  }
  override forward(x: Tensor): Tensor {
    const n = this.norm1.forward(x)
    const y = x.add(this.attention.forward(n, n, n, { isCausal: true, needWeights: false })[0])
    return y.add(this.mlp.forward(this.norm2.forward(y)))
  }
}

class Gpt extends nn.Module {
  tokens = new nn.Embedding(65, 128)
  places = new nn.Embedding(64, 128)
  blocks = new nn.Sequential(...Array.from({ length: 4 }, () => new Block(128, 4)))
  norm = new nn.LayerNorm(128)
  head = new nn.Linear(128, 65)
  readonly at: Tensor
  constructor(at: Tensor) {
    super()
    this.at = at
  }
  override forward(x: Tensor): Tensor {
    return this.head.forward(this.norm.forward(this.blocks.forward(this.tokens.forward(x).add(this.places.forward(this.at))))).flatten(0, 1)
  }
}

interface Task {
  readonly name: string
  readonly make: () => { model: nn.Module & { forward(x: Tensor): Tensor }; x: Tensor; y: Tensor }
}

const tasks: readonly Task[] = [
  { name: 'digits CNN, batch 32', make: () => ({ model: new Digits(), x: randn(32, 1, 8, 8), y: randint(0, 10, [32]) }) },
  {
    name: 'MLP 784-512-256-10, batch 128',
    make: () => ({
      model: new nn.Sequential(new nn.Linear(784, 512), new nn.ReLU(), new nn.Linear(512, 256), new nn.ReLU(), new nn.Linear(256, 10)),
      x: randn(128, 784),
      y: randint(0, 10, [128]),
    }),
  },
  {
    name: 'GPT 4×128, context 64, batch 16',
    make: () => ({ model: new Gpt(ones(64).cumsum(0).sub(1).to('int32')), x: randint(0, 65, [16, 64]), y: randint(0, 65, [1024]) }),
  },
]

async function timed(run: () => Tensor, rounds: number, budget: number): Promise<{ median: number; best: number; loss: number }> {
  const times: number[] = []
  let loss = 0
  const end = performance.now() + budget
  for (let i = 0; i < rounds || (performance.now() < end && times.length < 200); i++) {
    const start = performance.now()
    loss = await scope(() => run()).item()
    if (i > 1 || rounds < 4) times.push(performance.now() - start)
  }
  times.sort((a, b) => a - b)
  return { median: times[times.length >> 1], best: times[0], loss }
}

export default async function training(report: Report): Promise<void> {
  const devices = [
    { device: 'wasm', threads: 1 },
    { device: 'wasm', threads: undefined },
    { device: 'webgpu', threads: undefined },
  ] as const
  for (const { device, threads } of devices) {
    if (device === 'wasm') closeDevice('wasm')
    const opened = await init({ device, threads })
    if (opened.name !== device) continue
    for (const { name, make } of tasks) {
      const row: Record<string, string | number> = { device: `${opened.name}: ${opened.detail}`, task: name }
      for (const how of ['eager', 'compiled'] as const) {
        manualSeed(0)
        const { model, x, y } = make()
        const adam = new optim.Adam(model.parameters(), { lr: 1e-3 })
        const eager = (a: Tensor, b: Tensor): Tensor => {
          adam.zeroGrad()
          const loss = nn.functional.crossEntropy(model.forward(a), b)
          loss.backward()
          adam.step()
          return loss
        }
        const step = how === 'eager' ? eager : compile(eager)
        const slow = device === 'webgpu'
        const { median, best } = await timed(() => step(x, y), slow ? 3 : 10, slow ? 5_000 : 3_000)
        row[`${how}, ms (median)`] = Number(median.toFixed(2))
        row[`${how}, ms (best)`] = Number(best.toFixed(2))
      }
      row['MiB held'] = Number((memory().held / 2 ** 20).toFixed(1))
      report(row)
    }
  }
}
