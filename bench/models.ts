// The models of the benchmarks: the digits CNN of the playground, an MLP and a small character transformer, on random data.
import { nn, ones, randint, randn, type Tensor } from 'lampas'

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

export interface Task {
  readonly name: string
  readonly make: () => { model: nn.Module & { forward(x: Tensor): Tensor }; x: Tensor; y: Tensor }
}

export const tasks: readonly Task[] = [
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
