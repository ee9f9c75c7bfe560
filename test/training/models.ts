// The models whose training PyTorch recorded (test/golden/training), and how each of their steps goes.
import { arange, nn, optim, stack, type Tensor } from '../../src/index.ts'
import mlp from '../golden/training/a_mlp_sgd.json'
import cnn from '../golden/training/b_cnn_adam.json'
import lstm from '../golden/training/c_lstm_rmsprop.json'
import gpt from '../golden/training/d_gpt_adamw.json'

const { crossEntropy, scaledDotProductAttention } = nn.functional

class Mlp extends nn.Module {
  fc1 = new nn.Linear(64, 32)
  fc2 = new nn.Linear(32, 10)

  override forward(x: Tensor): Tensor {
    return this.fc2.forward(this.fc1.forward(x).relu())
  }
}

class Cnn extends nn.Module {
  conv1 = new nn.Conv2d(1, 8, 3, { padding: 1, bias: false })
  bn1 = new nn.BatchNorm2d(8)
  conv2 = new nn.Conv2d(8, 16, 3, { padding: 1, bias: false })
  bn2 = new nn.BatchNorm2d(16)
  fc = new nn.Linear(64, 10)

  override forward(x: Tensor): Tensor {
    const h = this.bn1.forward(this.conv1.forward(x)).relu().maxPool2d(2)
    return this.fc.forward(this.bn2.forward(this.conv2.forward(h)).relu().maxPool2d(2).flatten(1))
  }
}

class Sequence extends nn.Module {
  lstm = new nn.LSTM(8, 24, { batchFirst: true })
  fc = new nn.Linear(24, 10)

  override forward(x: Tensor): Tensor {
    return this.fc.forward(this.lstm.forward(x)[0].select(1, -1))
  }
}

class Block extends nn.Module {
  ln1 = new nn.LayerNorm(32)
  qkv = new nn.Linear(32, 96)
  proj = new nn.Linear(32, 32)
  ln2 = new nn.LayerNorm(32)
  fc = new nn.Linear(32, 128)
  out = new nn.Linear(128, 32)

  override forward(x: Tensor): Tensor {
    const [batch, time] = x.shape
    const [q, k, v] = this.qkv.forward(this.ln1.forward(x)).split(32, 2).map(y => y.reshape(batch, time, 2, 16).transpose(1, 2))
    const mixed = scaledDotProductAttention(q, k, v, { isCausal: true }).transpose(1, 2).reshape(batch, time, 32)
    const y = x.add(this.proj.forward(mixed))
    return y.add(this.out.forward(this.fc.forward(this.ln2.forward(y)).gelu()))
  }
}

class Gpt extends nn.Module {
  tok = new nn.Embedding(31, 32)
  pos = new nn.Embedding(16, 32)
  blocks = new nn.ModuleList([new Block(), new Block()])
  lnf = new nn.LayerNorm(32)
  head = new nn.Linear(32, 31, { bias: false })

  override forward(ids: Tensor): Tensor {
    let x = this.tok.forward(ids).add(this.pos.forward(arange(ids.shape[1])))
    for (const block of this.blocks) x = block.forward(x)
    return this.head.forward(this.lnf.forward(x))
  }
}

export interface Recorded {
  readonly name: string
  readonly steps: number
  readonly losses: readonly number[]
  readonly lrs: readonly number[]
  readonly gradNorms: readonly number[] | null
  readonly tol: {
    readonly lossRtol: number
    readonly grads0Atol: number
    readonly step1Atol: Readonly<Record<string, number>>
    readonly finalAtol: Readonly<Record<string, number>>
  }
}

export interface Run {
  readonly model: nn.Module
  readonly optimizer: optim.Optimizer<{ lr: number }>
  readonly schedule?: { step(): void }
  /** Largest norm of the gradients. */
  readonly clip?: number
  loss(x: Tensor, y: Tensor): Tensor
  /** The model's output on what the record says. */
  evaluate(data: Record<string, Tensor>): Tensor
  /** Inputs and targets of a step. */
  batch(data: Record<string, Tensor>, step: number): [Tensor, Tensor]
}

/** Rows of a batch of 32, which begin again at the end of the data. */
const rows = (data: Record<string, Tensor>, step: number): [Tensor, Tensor] => {
  const index = arange(32).add(step * 32).remainder(data.x.shape[0])
  return [data.x.indexSelect(0, index), data.y.indexSelect(0, index)]
}

const classifier = (model: nn.Module & { forward(x: Tensor): Tensor }): Pick<Run, 'model' | 'loss' | 'evaluate' | 'batch'> => ({
  model,
  loss: (x, y) => crossEntropy(model.forward(x), y),
  evaluate: data => model.forward(data.x.at('0:6')),
  batch: rows,
})

export const runs: readonly { readonly recorded: Recorded; readonly make: () => Run }[] = [
  {
    recorded: mlp,
    make: () => {
      const model = new Mlp()
      return { ...classifier(model), optimizer: new optim.SGD(model.parameters(), { lr: 0.1, momentum: 0.9, nesterov: true, weightDecay: 0.001 }) }
    },
  },
  {
    recorded: cnn,
    make: () => {
      const model = new Cnn()
      return { ...classifier(model), optimizer: new optim.Adam(model.parameters(), { lr: 0.003 }) }
    },
  },
  {
    recorded: lstm,
    make: () => {
      const model = new Sequence()
      return { ...classifier(model), optimizer: new optim.RMSprop(model.parameters(), { lr: 0.005, alpha: 0.9, momentum: 0.5 }) }
    },
  },
  {
    recorded: gpt,
    make: () => {
      const model = new Gpt()
      const optimizer = new optim.AdamW(model.parameters(), { lr: 0.003, betas: [0.9, 0.95], weightDecay: 0.1 })
      const windows = (tokens: Tensor, step: number, shift: number) => stack([0, 1, 2, 3].map(b => tokens.narrow(0, (step * 4 + b) * 16 + shift, 16)))
      return {
        model,
        optimizer,
        schedule: new optim.lrScheduler.CosineAnnealingLR(optimizer, 20, { etaMin: 0.0003 }),
        clip: 0.5,
        loss: (x, y) => crossEntropy(model.forward(x).reshape(-1, 31), y.reshape(-1)),
        evaluate: ({ tokens }) => model.forward(tokens.at('0:16').unsqueeze(0)),
        batch: ({ tokens }, step) => [windows(tokens, step, 0), windows(tokens, step, 1)],
      }
    },
  },
]
