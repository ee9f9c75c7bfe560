// Modules: what they find in their fields, checkpoints, modes, printing, moving.
import { beforeAll, describe, expect, test } from 'vitest'
import { compile, grad, init, manualSeed, memory, nn, noGrad, ones, optim, randn, scope, tensor, zeros, type Tensor } from '../../src/index.ts'

beforeAll(async () => {
  await init({ device: 'wasm' })
})

class Net extends nn.Module {
  conv = new nn.Conv2d(1, 4, 3, { padding: 1 })
  norm1 = new nn.BatchNorm2d(4)
  blocks = new nn.ModuleList([new nn.Linear(16, 16), new nn.Linear(16, 16)])
  head = new nn.Sequential(new nn.ReLU(), new nn.Dropout(0.25), new nn.Linear(16, 3, { bias: false }))
  scaleFactor = new nn.Parameter(ones([1]))

  override forward(x: Tensor): Tensor {
    let y = this.norm1.forward(this.conv.forward(x)).mean([2, 3]).repeat(1, 4)
    for (const b of this.blocks) y = b.forward(y)
    return this.head.forward(y).mul(this.scaleFactor)
  }
}

describe('fields', () => {
  test('parameters are found in order, under PyTorch-like names', () => {
    expect([...new Net().namedParameters()].map(([n, p]) => `${n} ${p}`)).toEqual([
      'scale_factor f32[1]', 'conv.weight f32[4,1,3,3]', 'conv.bias f32[4]', 'norm1.weight f32[4]', 'norm1.bias f32[4]',
      'blocks.0.weight f32[16,16]', 'blocks.0.bias f32[16]', 'blocks.1.weight f32[16,16]', 'blocks.1.bias f32[16]', 'head.2.weight f32[3,16]',
    ])
  })

  test('buffers are in checkpoints, unless they say otherwise', () => {
    class WithMask extends nn.Module {
      mask = this.registerBuffer('mask', ones([2]), { persistent: false })
      table = this.registerBuffer('table', zeros([3]))
      override forward(): Tensor {
        return this.mask
      }
    }
    const m = new WithMask()
    expect(Object.keys(m.stateDict())).toEqual(['table'])
    expect([...m.namedBuffers()].map(([n]) => n)).toEqual(['mask', 'table'])
    expect(m.parameters()).toEqual([])
    expect(Object.keys(new nn.BatchNorm2d(2).stateDict())).toEqual(['weight', 'bias', 'running_mean', 'running_var', 'num_batches_tracked'])
  })

  test('a parameter used twice is one', () => {
    class Tied extends nn.Module {
      embed = new nn.Embedding(5, 4)
      out = new nn.Linear(4, 5, { bias: false })
      constructor() {
        super()
        Object.assign(this.out, { weight: this.embed.weight })
      }
      override forward(x: Tensor): Tensor {
        return this.out.forward(this.embed.forward(x))
      }
    }
    const m = new Tied()
    expect(m.parameters().length).toBe(1)
    expect(Object.keys(m.stateDict())).toEqual(['embed.weight', 'out.weight'])
  })

  test('an array may point to modules that are found elsewhere; a row may have fields too', () => {
    class Row extends nn.Sequential {
      extra = new nn.Linear(2, 1)
      both = [this.at(0), this.extra]
    }
    expect([...new Row(new nn.Linear(2, 2)).namedParameters()].map(([n]) => n)).toEqual(['0.weight', '0.bias', 'extra.weight', 'extra.bias'])
    expect(new Row(new nn.Linear(2, 2)).parameters().length).toBe(4)
  })

  test('modules, children, apply', () => {
    const net = new Net()
    expect([...net.namedModules()].map(([n]) => n)).toEqual(['', 'conv', 'norm1', 'blocks', 'blocks.0', 'blocks.1', 'head', 'head.0', 'head.1', 'head.2'])
    expect(net.children().map(m => m.constructor.name)).toEqual(['Conv2d', 'BatchNorm2d', 'ModuleList', 'Sequential'])
    const seen: string[] = []
    net.apply(m => seen.push(m.constructor.name))
    expect(seen.at(-1)).toBe('Net')
    expect(seen.length).toBe(10)
  })

  test('requiresGrad_ freezes, zeroGrad forgets', () => {
    const net = new nn.Linear(2, 2)
    net.forward(ones([1, 2])).sum().backward()
    expect(net.weight.grad).not.toBeNull()
    net.zeroGrad()
    expect(net.weight.grad).toBeNull()
    expect(net.requiresGrad_(false).forward(ones([1, 2])).requiresGrad).toBe(false)
  })
})

describe('modes', () => {
  test('train and eval reach all modules', () => {
    const net = new Net()
    expect(net.head.at(1).training).toBe(true)
    net.eval()
    expect(net.modules().some(m => m.training)).toBe(false)
    net.train()
    expect(net.modules().every(m => m.training)).toBe(true)
  })

  test('a compiled step notices the switch', async () => {
    manualSeed(1)
    const drop = new nn.Dropout(0.5)
    const step = compile((x: Tensor) => drop.forward(x).sum())
    const x = ones([64])
    expect(await step(x).item()).not.toBe(64)
    drop.eval()
    expect(await step(x).item()).toBe(64)
    expect(step.info().traces).toBe(2)
  })

  test('batch norm: running statistics, momentum, evaluation', async () => {
    const bn = new nn.BatchNorm1d(2)
    const x = tensor([[1, 10], [3, 30]])
    const y = bn.forward(x)
    ;(await y.data()).forEach((v, i) => expect(v).toBeCloseTo(i < 2 ? -1 : 1, 4))
    expect([...(await bn.runningMean!.data())].map(v => Number(v.toFixed(5)))).toEqual([0.2, 2])
    // Unbiased variance of 1, 3 is 2, of 10, 30 is 200.
    expect([...(await bn.runningVar!.data())].map(v => Number(v.toFixed(4)))).toEqual([1.1, 20.9])
    expect(await bn.numBatchesTracked!.item()).toBe(1)
    expect(y.requiresGrad).toBe(true)
    bn.eval()
    const before = await bn.runningMean!.data()
    const z = await bn.forward(x).data()
    expect(z[0]).toBeCloseTo((1 - 0.2) / Math.sqrt(1.1 + 1e-5), 5)
    expect(await bn.runningMean!.data()).toEqual(before)
  })

  test('batch norm: momentum null averages over all batches', async () => {
    const bn = new nn.BatchNorm1d(1, { momentum: null })
    for (const v of [1, 2, 6]) bn.forward(tensor([[v - 1], [v + 1]]))
    expect(await bn.runningMean!.item()).toBeCloseTo(3, 5)
  })
})

describe('checkpoints', () => {
  test('round trip', async () => {
    manualSeed(3)
    const [a, b] = [new Net(), new Net()]
    const x = randn([5, 1, 8, 8])
    a.forward(x)
    const result = await b.loadStateDict(a.stateDict())
    expect(result).toEqual({ missingKeys: [], unexpectedKeys: [] })
    a.eval()
    b.eval()
    expect(await noGrad(() => b.forward(x)).data()).toEqual(await noGrad(() => a.forward(x)).data())
    expect(b.conv.weight.requiresGrad).toBe(true)
  })

  test('entries share memory with the model', async () => {
    const m = new nn.Linear(1, 1)
    const { weight } = m.stateDict()
    noGrad(() => m.weight.fill_(7))
    expect(await weight.item()).toBe(7)
    expect(weight.requiresGrad).toBe(false)
  })

  test('all mismatches are in one table, and nothing is changed', async () => {
    const m = new nn.Sequential(new nn.Linear(2, 3), new nn.Linear(3, 1))
    const before = await m.parameters()[0].data()
    const state = { '0.weight': zeros([3, 2]), '0.bias': zeros([4]), '1.weight': zeros([1, 3]), 'extra.bias': zeros([2]) }
    await expect(m.loadStateDict(state)).rejects.toThrow(/3 entries do not fit:\n\s+name +model +checkpoint\n\s+0\.bias +\[3\] +\[4\]\n\s+1\.bias +\[1\] +missing\n\s+extra\.bias +missing +\[2\]/)
    expect(await m.parameters()[0].data()).toEqual(before)
    await expect(m.loadStateDict(state, { strict: false })).rejects.toThrow(/1 entry does not fit/)
    const loaded = await m.loadStateDict({ '0.weight': zeros([3, 2]), 'extra.bias': zeros([2]) }, { strict: false })
    expect(loaded).toEqual({ missingKeys: ['0.bias', '1.weight', '1.bias'], unexpectedKeys: ['extra.bias'] })
    expect([...(await m.parameters()[0].data())]).toEqual([0, 0, 0, 0, 0, 0])
  })

  test('PyTorch names of attention', () => {
    expect(Object.keys(new nn.MultiheadAttention(4, 2).stateDict())).toEqual(['in_proj_weight', 'in_proj_bias', 'out_proj.weight', 'out_proj.bias'])
  })
})

test('printing', () => {
  const net = new Net()
  net.conv.requiresGrad_(false)
  expect(String(net)).toBe(
    [
      'Net(                                    1',
      '  (conv): Conv2d(1, 4, 3, padding=1)   40',
      '  (norm1): BatchNorm2d(4)               8',
      '  (blocks): ModuleList(',
      '    (0): Linear(16, 16)               272',
      '    (1): Linear(16, 16)               272',
      '  )',
      '  (head): Sequential(',
      '    (0): ReLU()',
      '    (1): Dropout(p=0.25)',
      '    (2): Linear(16, 3, bias=false)     48',
      '  )',
      ')',
      '641 parameters, 40 of them frozen',
    ].join('\n'),
  )
})

describe('lifetime', () => {
  test('a module made in a scope outlives it, trained or not', async () => {
    const [model, optimizer] = scope(() => {
      const m = new nn.Sequential(new nn.Linear(2, 4), new nn.Tanh())
      const bn = new nn.BatchNorm1d(4)
      m.append(bn)
      const o = new optim.Adam(m.parameters())
      m.forward(randn([3, 2])).sum().backward()
      o.step()
      return [m, o] as const
    }) as readonly [nn.Sequential, optim.Adam]
    optimizer.zeroGrad()
    model.forward(randn([3, 2])).square().sum().backward()
    optimizer.step()
    expect((await model.at(2).buffers()[0].data()).length).toBe(4)
  })

  test('disposed parameters give their memory back', () => {
    const before = memory().tensors
    const m = scope(() => new nn.Linear(3, 3))
    for (const p of m.parameters()) p.dispose()
    expect(memory().tensors).toBeLessThanOrEqual(before)
    expect(() => m.forward(ones([1, 3]))).toThrow(/was used after it was freed/)
  })

  test('toDevice moves everything, tied parameters stay tied', async () => {
    await init({ device: 'reference' })
    await init({ device: 'wasm' })
    const m = new nn.Sequential(new nn.Linear(2, 2), new nn.BatchNorm1d(2))
    const { weight } = m.at(0) as nn.Linear
    Object.assign(m.append(new nn.Linear(2, 2)).at(2), { weight })
    const values = await weight.data()
    await m.toDevice('reference')
    const moved = m.parameters()
    expect(moved.every(p => p.device === 'reference' && p instanceof nn.Parameter && p.requiresGrad)).toBe(true)
    expect(m.buffers().every(b => b.device === 'reference')).toBe(true)
    expect((m.at(0) as nn.Linear).weight).toBe((m.at(2) as nn.Linear).weight)
    expect(await moved[0].data()).toEqual(values)
  })

  test('lists and dictionaries of parameters move too', () => {
    const list = new nn.ParameterList([ones([2])])
    const dictionary = new nn.ParameterDict({ 'a b': ones([2]) })
    for (const [m, at] of [[list, () => list.at(0)], [dictionary, () => dictionary.get('a b')]] as const) {
      m.to('float16')
      expect(at().dtype).toBe('float16')
      expect(m.parameters()).toEqual([at()])
    }
  })
})

describe('other tensors in place of parameters', () => {
  test('in layers, lists, and in two places at once; afterwards all is as it was', async () => {
    class Tied extends nn.Module {
      list = new nn.ParameterList([tensor([2])])
      first = new nn.Linear(1, 1, { bias: false })
      again = this.first
      norm = new nn.BatchNorm1d(1)

      override forward(x: Tensor, times: number): Tensor {
        return this.norm.forward(this.again.forward(this.first.forward(x)).mul(this.list.at(0)).mul(times))
      }
    }
    const model = new Tied().eval()
    const before = model.stateDict()
    const values = await Promise.all(Object.values(before).map(x => x.toArray()))
    const weight = tensor([[3]], { requiresGrad: true })
    const y = model.functionalCall({ 'first.weight': weight, 'list.0': tensor([5]), 'norm.running_mean': tensor([-1]) }, ones(1, 1), 2)
    expect(await y.item()).toBeCloseTo(3 * 3 * 5 * 2 + 1, 3)
    expect(await grad(y.sum(), [weight])[0].item()).toBeCloseTo(2 * 3 * 5 * 2, 3)
    expect(await Promise.all(Object.values(model.stateDict()).map(x => x.toArray()))).toEqual(values)
    expect(model.first.weight).toBeInstanceOf(nn.Parameter)
  })

  test('also after an error, and learning through a step of learning, compiled', async () => {
    const model = new nn.Linear(1, 1, { bias: false })
    const own = model.weight
    expect(() => model.functionalCall({ weight: ones(1, 1) }, ones(1, 7))).toThrow(/7 features/)
    expect(model.weight).toBe(own)
    expect(() => model.functionalCall({ wieght: ones(1, 1) }, ones(1, 1))).toThrow(/no parameter or buffer 'wieght'.*did you mean 'weight'/)
    expect(() => model.functionalCall({ weight: ones(2) }, ones(1, 1))).toThrow(/'weight' is f32\[1,1\], the tensor given for it f32\[2\]/)
    // (w − 0.1·d(w²)/dw)² = (0.8w)², whose derivative is 1.28w.
    const outer = () => {
      const [g] = grad(model.forward(ones(1, 1)).square().sum(), [model.weight], { createGraph: true })
      const moved = model.weight.sub(g.mul(0.1))
      return grad(model.functionalCall({ weight: moved }, ones(1, 1)).square().sum(), [model.weight])[0]
    }
    const want = 1.28 * (await model.weight.item())
    for (const f of [outer, compile(outer)]) expect(await f().item()).toBeCloseTo(want, 5)
  })
})

describe('mistakes', () => {
  const cases: readonly (readonly [string, () => unknown, RegExp])[] = [
    ['misspelt option', () => new nn.Conv2d(1, 2, 3, { pading: 1 } as object), /\[Conv2d\] unknown option 'pading'.*did you mean 'padding'/],
    ['size as text', () => new nn.Linear('10' as unknown as number, 2), /\[Linear\] inFeatures is the text '10'/],
    ['no size', () => new nn.Linear(0, 2), /inFeatures is 0.*whole number ≥ 1/],
    ['groups', () => new nn.Conv2d(3, 4, 3, { groups: 2 }), /3 and 4 channels do not divide into 2 groups/],
    ['heads', () => new nn.MultiheadAttention(10, 3), /embedDim 10 does not divide into 3 heads/],
    ['list in a row', () => new nn.Sequential([new nn.ReLU()] as unknown as nn.Layer), /item 0 is an array, not a module\. help: spread it: \.\.\.layers/],
    ['function in a row', () => new nn.Sequential(((x: Tensor) => x) as unknown as nn.Layer), /item 0 is function, not a module/],
    ['features', () => new nn.Linear(4, 2).forward(ones([3, 5])), /input f32\[3,5\] has 5 features, weight f32\[2,4\] expects 4/],
    ['channels', () => new nn.Conv2d(3, 2, 3).forward(ones([1, 1, 8, 8])), /input f32\[1,1,8,8\] has 1 channels/],
    ['stride of 0', () => nn.functional.maxPool2d(ones([1, 1, 4, 4]), 2, 0), /\[maxPool2d\] stride is \[0,0\].*≥ 1/],
    ['padding below 0', () => new nn.AvgPool1d(2, { padding: -1 }).forward(ones([1, 1, 4])), /\[avgPool1d\] padding is \[-1\].*≥ 0/],
    ['output padding', () => new nn.ConvTranspose2d(1, 1, 3, { outputPadding: 2 }).forward(ones([1, 1, 4, 4])), /outputPadding \[2,2\] is not below stride \[1,1\]/],
    ['kind of gelu', () => nn.functional.gelu(ones([1]), { approximate: 'erf' as 'none' }), /there is no approximation 'erf'/],
    ['odd glu', () => nn.functional.glu(ones([3])), /odd size 3/],
    ['batch norm rank', () => new nn.BatchNorm2d(3).forward(ones([2, 3])), /\[BatchNorm2d\] expected 4 dimensions, got f32\[2,3\]/],
    ['batch norm of one value', () => new nn.BatchNorm1d(3).forward(ones([1, 3])), /more than one value per channel/],
    ['layer norm shape', () => new nn.LayerNorm(4).forward(ones([2, 3])), /normalizedShape \[4\] are not the last sizes of f32\[2,3\]/],
    ['dropout probability', () => new nn.Dropout(1.5), /p is 1.5/],
    ['loss shapes', () => nn.functional.mseLoss(ones([4, 1]), ones([4])), /f32\[4,1\] and target f32\[4\] have different shapes.*reshape/],
    ['loss option', () => new nn.CrossEntropyLoss({ labelSmothing: 0.1 } as object), /did you mean 'labelSmoothing'/],
    ['loss reduction', () => nn.functional.l1Loss(ones([1]), ones([1]), { reduction: 'avg' as 'mean' }), /there is no reduction 'avg'/],
    ['float classes', () => nn.functional.crossEntropy(ones([2, 3]), ones([2])), /fits neither as class numbers nor as class probabilities/],
    ['class weights', () => nn.functional.crossEntropy(ones([2, 3]), tensor([0, 1], { dtype: 'int32' }), { weight: ones([2]) }), /does not give one factor for each of the 3 classes/],
    ['parameter of integers', () => new nn.Parameter(tensor([1], { dtype: 'int32' })), /only float and complex tensors have gradients/],
    ['modules in a plain array', () => {
      class Lost extends nn.Module {
        layers = [new nn.Linear(1, 1)]
        override forward(x: Tensor): Tensor {
          return this.layers[0].forward(x)
        }
      }
      return new Lost().parameters()
    }, /\[Lost\] the field 'layers' is a plain array.*layers = new nn\.ModuleList/],
    ['forward of a list', () => new nn.ModuleList().forward(), /a list has no forward/],
    ['kind of mask', () => new nn.MultiheadAttention(4, 2).forward(ones([3, 1, 4]), ones([3, 1, 4]), ones([3, 1, 4]), { attnMask: ones([2, 2]) }), /attnMask f32\[2,2\] fits neither/],
  ]
  for (const [name, run, message] of cases)
    test(name, () => {
      expect(run).toThrow(message)
    })
})
