// Realistic mistakes, and what is said about each: the op, what was given, what was expected, and the way out.
import { beforeAll, describe, expect, test } from 'vitest'
import * as lampas from '../../src/index.ts'
import { LampasError, cat, compile, data, device, grad, init, nn, noGrad, ones, optim, randint, scope, split, stack, tensor, toDevice, zeros, type Tensor } from '../../src/index.ts'
import { deviceNames, eachDevice } from '../each-device.ts'

const { functional: F } = nn
const ints = (shape: number[], value = 0): Tensor => tensor(new Int32Array(shape.reduce((a, b) => a * b, 1)).fill(value), { shape })
/** A call that TypeScript would refuse, as JavaScript makes it. */
const wrong = (fn: unknown, ...args: unknown[]): unknown => (fn as (...args: unknown[]) => unknown)(...args)
const method = (x: Tensor, name: keyof Tensor, ...args: unknown[]): unknown => (x[name] as (...args: unknown[]) => unknown).apply(x, args)
const make = (Class: unknown, ...args: unknown[]): unknown => new (Class as new (...args: unknown[]) => unknown)(...args)
const leaf = (...shape: number[]): Tensor => ones(shape, { requiresGrad: true })

type Row = readonly [name: string, mistake: () => unknown, message: RegExp]

const shapes: Row[] = [
  ['matmul of sizes that differ', () => zeros(32, 784).matmul(zeros(128, 784)), /^\[matmul\] f32\[32,784\] @ f32\[128,784\]: inner sizes 784 and 128 differ\. help: transpose the second/],
  ['broadcasting that fails', () => zeros(3, 4).add(zeros(3, 5)), /^\[add\] shapes \[3,4\] and \[3,5\] do not broadcast: axis 1 has sizes 4 and 5\. help: sizes must be equal or 1/],
  ['a layer fed with images instead of rows', () => new nn.Linear(784, 10).forward(zeros(5, 28, 28)), /^\[linear\] input f32\[5,28,28\] has 28 features, weight f32\[10,784\] expects 784\. help/],
  ['a convolution with wrong channels', () => new nn.Conv2d(3, 4, 3).forward(zeros(2, 1, 8, 8)), /^\[conv2d\] input f32\[2,1,8,8\] has 1 channels, weight f32\[4,3,3,3\] with groups 1 expects 3\. help: dimension 1/],
  ['batch norm over other channels', () => new nn.BatchNorm2d(3).forward(zeros(2, 4, 5, 5)), /^\[batchNorm\] .*4 channels of f32\[2,4,5,5\]\. help/],
  ['layer norm over another size', () => new nn.LayerNorm(3).forward(zeros(2, 4)), /^\[layerNorm\] normalizedShape \[3\].* f32\[2,4\]\. help/],
  ['cross entropy with one-hot ints', () => F.crossEntropy(zeros(4, 10), ints([4, 10])), /^\[crossEntropy\] target i32\[4,10\] does not fit input f32\[4,10\]: expected \[4\]\. help: one class number/],
  ['cross entropy with another batch', () => F.crossEntropy(zeros(4, 10), ints([5])), /^\[crossEntropy\] target i32\[5\] does not fit input f32\[4,10\]: expected \[4\]/],
  ['a mask of attention for other texts', () => F.scaledDotProductAttention(zeros(1, 2, 4), zeros(1, 3, 4), zeros(1, 3, 4), { attnMask: ones(2, 2) }), /^\[scaledDotProductAttention\] the mask f32\[2,2\] does not fit 2 queries and 3 keys\. help: .*\[2,3\]/],
  ['filling under a mask of another shape', () => zeros(3).maskedFill(tensor([true, false]), 0), /^\[maskedFill\] shapes \[3\] and \[2\] do not broadcast/],
  ['a loss that would broadcast', () => F.mseLoss(zeros(4, 1), zeros(4)), /^\[mseLoss\] input f32\[4,1\] and target f32\[4\] have different shapes\. help: .*target\.reshape\(input\.shape\)/],
  ['reshape to another count', () => zeros(2, 3).reshape(4), /^\[reshape\] f32\[2,3\] has 6 elements, which do not fill \[4\].*help: .*-1/],
  ['reshape with -1 that cannot be', () => zeros(2, 3).reshape(-1, 4), /^\[reshape\] f32\[2,3\] has 6 elements, which do not fill \[-1,4\]/],
  ['permute with a dim twice', () => zeros(2, 3).permute(0, 0), /^\[permute\] dims \[0,0\] do not name each of the 2 dimensions of f32\[2,3\] once\. help/],
  ['expand of a size that is not 1', () => zeros(2, 3).expand(2, 4), /^\[expand\] f32\[2,3\] does not expand to \[2,4\]\. help: only sizes of 1/],
  ['cat of other widths', () => cat([zeros(2, 3), zeros(2, 4)]), /^\[cat\] f32\[2,3\], f32\[2,4\] do not join along dim 0\. help/],
  ['stack of unequal shapes', () => stack([zeros(2), zeros(3)]), /^\[stack\] f32\[3\] and f32\[2\] have different shapes\. help: .*cat/],
  ['split sizes that do not cover', () => split(zeros(5), [2, 2]), /^\[split\] sizes \[2,2\] do not add up to 5.*f32\[5\]\. help/],
  ['a window larger than the image', () => zeros(1, 1, 2, 2).maxPool2d(3), /^\[maxPool2d\] kernel \[3,3\] is larger than the padded input f32\[1,1,2,2\]\. help/],
  ['a list with rows of different length', () => tensor([[1, 2], [3]]), /^\[tensor\] nested arrays are ragged: expected length 2 at depth 1, got length 1\. help/],
  ['a shape that the values do not fill', () => tensor([1, 2, 3], { shape: [2, 2] }), /^\[tensor\] 3 values do not fill shape \[2,2\]/],
  ['reshape with -1 that could be anything', () => zeros(0, 5).reshape(0, -1), /^\[reshape\] in \[0,-1\] the size for -1 could be anything/],
  ['a source that does not fit its indices', () => zeros(3, 4).indexAdd(0, ints([2]), zeros(3, 4)), /^\[indexAdd\] source f32\[3,4\] does not fit 2 indices along dim 0 of f32\[3,4\]\. help/],
  ['more shifts than dims', () => zeros(5, 5).roll([2, 1], 0), /^\[roll\] 2 shifts for 1 dims\. help/],
  ['taking a number apart', () => zeros([]).unbind(0), /^\[unbind\] f32\[\] has no dimension/],
  ['a size that is not whole', () => zeros(2.5), /^\[zeros\] \[2\.5\] is not a shape\. help: sizes are whole numbers/],
  ['data sets of different length', () => new data.TensorDataset(zeros(3), zeros(4)), /^\[TensorDataset\] f32\[3\] and f32\[4\] have different first sizes\. help/],
]

const positions: Row[] = [
  ['a dimension that is not there', () => zeros(2, 3).sum(5), /^\[sum\] dim 5 is outside -2 … 1 for a tensor of 2 dimensions\. help: negative dims/],
  ['softmax without a dimension', () => method(zeros(2, 3), 'softmax'), /^\[softmax\] the dimension is missing\. help/],
  ['an index outside', () => zeros(2, 3).at(5), /^\[select\] index 5 is outside dimension 0 of f32\[2,3\]\. help: its size is 2/],
  ['too many indices', () => zeros(2, 3).at(0, 0, 0), /^\[at\] 3 indices for f32\[2,3\]\. help: it has 2 dimensions/],
  ['a slice that is none', () => zeros(2, 3).at('a:b'), /^\[at\] 'a:b' is not a slice\. help: write 'start:stop'/],
  ['more top values than there are', () => zeros(3).topk(5), /^\[topk\] k = 5 .*f32\[3\]\. help: k is 0 … 3/],
]

const dtypes: Row[] = [
  ['float indices', () => zeros(2, 3).gather(1, zeros(2, 1)), /^\[gather\] the index must be int32, got f32\[2,1\]\. help: .*to\('int32'\)/],
  ['an embedding of floats', () => new nn.Embedding(4, 2).forward(zeros(3)), /^\[embedding\] the index must be int32, got f32\[3\]/],
  ['bits of floats', () => zeros(2).bitwiseAnd(1), /^\[bitwiseAnd\] expected integer or bool operands, got f32 and i32\. help/],
  ['the mean of ints', () => ints([2]).mean(), /^\[mean\] expected a float tensor, got i32\[2\]\. help: .*to\('float32'\)/],
  ['the gradient of ints', () => ints([2]).requiresGrad_(), /^\[requiresGrad_\] only float and complex tensors have gradients, this is i32\[2\]/],
  ['a quotient stored in ints', () => ints([1]).div_(2), /^\[div_\] a float32 result cannot be stored in i32\[1\]\. help: use the form without _/],
  ['a mask of numbers', () => zeros(2).maskedFill(zeros(2), 1), /^\[maskedFill\] the mask must be bool, got f32\[2\]\. help: .*x\.gt\(0\)/],
  ['a condition of numbers', () => lampas.where(zeros(2), 1, zeros(2)), /^\[where\] the condition must be bool, got f32\[2\]\. help: compare first/],
  ['a dtype to sum in that is not there', () => method(zeros(2), 'sum', { dtype: 'int64' }), /^\[sum\] 'int64' is not a dtype/],
  ['a dtype that is not there', () => wrong(tensor, [1], { dtype: 'int64' }), /^\[tensor\] 'int64' is not a dtype\. help: dtypes: bool, uint8, int32/],
  ['a device given as dtype', () => method(zeros(2), 'to', 'webgpu'), /^\[to\] 'webgpu' is not a dtype\. help: .*toDevice/],
]

const wrongArguments: Row[] = [
  ['PyTorch’s spelling of an option', () => wrong(tensor, [1], { requires_grad: true }), /^\[tensor\] unknown option 'requires_grad'\. help: did you mean 'requiresGrad'\?/],
  ['a misspelt option of an op', () => method(zeros(2, 3), 'sum', 1, { keepDim: true }), /^\[sum\] unknown option 'keepDim'\. help: did you mean 'keepdim'\?/],
  ['a misspelt option of a factory', () => wrong(zeros, 2, { requireGrad: true }), /^\[zeros\] unknown option 'requireGrad'\. help: did you mean 'requiresGrad'\?/],
  ['a misspelt option of a layer', () => make(nn.Conv2d, 1, 2, 3, { pading: 1 }), /^\[Conv2d\] unknown option 'pading'\. help: did you mean 'padding'\?/],
  ['a misspelt option of an optimiser', () => make(optim.SGD, [leaf(2)], { momentun: 0.1 }), /^\[SGD\] unknown option 'momentun'\. help: did you mean 'momentum'\?/],
  ['a rate given by position', () => make(optim.Adam, [leaf(2)], 0.1), /^\[Adam\] the options are the number 0\.1\. help: pass an object: \{lr: 0\.1\}/],
  ['a random dtype that is not drawn', () => lampas.rand(2, { dtype: 'int32' }), /^\[rand\] numbers of dtype int32 were asked for, they are float32\. help: convert/],
  ['an array where a tensor is needed', () => wrong(lampas.relu, [1, 2]), /^\[relu\] expected a tensor, got an array\. help: wrap it: tensor/],
  ['a promise where a tensor is needed', () => method(ones(2), 'add', Promise.resolve(ones(2))), /^\[add\] expected a tensor, got a Promise\. help: await it/],
  ['a missing operand', () => method(ones(2), 'add'), /^\[add\] expected a tensor, got nothing/],
  ['a text among numbers', () => wrong(tensor, ['a']), /^\[tensor\] expected numbers or booleans, found string/],
  ['a size given as text', () => make(nn.Linear, '3', 2), /^\[Linear\] inFeatures is the text '3'\. help: give a whole number/],
  ['a probability above 1', () => new nn.Dropout(2), /^\[Dropout\] p is 2\. help: give a probability/],
  ['heads that do not divide', () => new nn.MultiheadAttention(10, 3), /^\[MultiheadAttention\] embedDim 10 does not divide into 3 heads/],
  ['a function as layer', () => make(nn.Sequential, (x: Tensor) => x), /^\[Sequential\] item 0 is function, not a module\. help: .*nn\.ReLU/],
  ['nothing to train', () => new optim.SGD([], { lr: 0.1 }), /^\[SGD\] there is nothing to train\. help: pass model\.parameters\(\)/],
  ['training what was computed', () => new optim.SGD([leaf(2).mul(2)], { lr: 0.1 }), /^\[SGD\] f32\[2\] is not a leaf of a float dtype\. help: train parameters/],
  ['randint of nothing', () => randint(5, 5, [2]), /^\[randint\] high 5 is not above low 5\. help/],
  ['a seed that is not whole', () => lampas.manualSeed(1.5), /^\[manualSeed\] the seed 1\.5 is not a whole number/],
  ['a step that leads away', () => lampas.arange(0, 10, -1), /^\[arange\] from 0 to 10 the step -1 leads away\. help: change the sign/],
  ['the value of many elements', () => ones(2).itemSync(), /^\[item\] f32\[2\] has 2 elements, not one\. help: reduce it first/],
  ['something else than a function', () => [wrong(scope, 3), wrong(noGrad, 3), wrong(compile, 3)], /^\[scope\] expected a function, got number\. help: scope\(\(\) => …\)/],
]

const gradients: Row[] = [
  ['backward of a vector', () => leaf(2).mul(2).backward(), /^\[backward\] f32\[2\] has 2 elements.*help: reduce it first \(loss\.mean\(\)\)/],
  ['backward without a parameter', () => ones(2).sum().backward(), /^\[backward\] f32\[\] does not depend on anything that requires a gradient\. help: mark leaves/],
  ['backward twice', () => { const y = leaf(2).exp().sum(); y.backward(); y.backward() }, /^\[backward\] the values that exp saved were already freed.*help: .*retainGraph/],
  ['PyTorch’s spelling in backward', () => method(leaf(2).sum(), 'backward', { retain_graph: true }), /^\[backward\] unknown option 'retain_graph'\. help: did you mean 'retainGraph'\?/],
  ['PyTorch’s spelling in grad', () => wrong(grad, leaf(1), [leaf(1)], { create_graph: true }), /^\[grad\] unknown option 'create_graph'\. help: did you mean 'createGraph'\?/],
  ['grad without inputs', () => wrong(grad, leaf(1)), /^\[grad\] expected a tensor, got nothing/],
  ['a gradient of another shape', () => { leaf(2).grad = ones(3) }, /^\[grad\] f32\[3\] cannot be the gradient of f32\[2\]\. help: set null/],
  ['a misspelt option of compile', () => wrong(compile, () => ones(1), { nam: 'step' }), /^\[compile\] unknown option 'nam'\. help: did you mean 'name'\?/],
  ['grad of what is not used', () => grad(leaf(1), [leaf(1)]), /^\[grad\] the outputs do not depend on input 0 \(f32\[1\]\)\. help: .*allowUnused/],
  ['grad of what wants none', () => grad(leaf(1), [ones(1)]), /^\[grad\] the input f32\[1\] does not require a gradient\. help/],
  ['a parameter changed by hand', () => leaf(2).add_(1), /^\[add_\] f32\[2\] is a leaf that requires a gradient.*help: .*noGrad/],
]

const everything: readonly (readonly [string, readonly Row[]])[] = [
  ['shapes', shapes], ['dimensions and indices', positions], ['dtypes', dtypes], ['arguments', wrongArguments], ['gradients', gradients],
]

eachDevice(name => {
  for (const [title, rows] of everything)
    describe(title, () => {
      test.each(rows)('%s', (_, mistake, message) => {
        expect(mistake).toThrow(LampasError)
        expect(mistake).toThrow(message)
      })
    })

  describe('devices', () => {
    const other = deviceNames.find(n => n !== name)!
    beforeAll(async () => {
      await init({ device: other })
      await init({ device: name })
    })
    test('operands on two of them', () => {
      const here = ones(2)
      device(other)
      const there = ones(2)
      device(name)
      const text = new RegExp(String.raw`^\[add\] operands are on different devices: f32\[2\] on ${name}, f32\[2\] on ${other}\. help: .*await toDevice`)
      expect(() => here.add(there)).toThrow(text)
      expect(() => compile((x: Tensor) => x.add(there))(here)).toThrow(new RegExp(String.raw`^\[compile\] the code uses f32\[2\] on ${other}, and runs on ${name}, the current device\. help: .*toDevice`))
      expect(() => compile((x: Tensor) => x.add(ones(2, { device: other })))(here)).toThrow(/^\[compile\] the code uses tensors on/)
      expect(() => compile((x: Tensor) => x.add(1))(there)).toThrow(new RegExp(String.raw`^\[compile\] an argument f32\[2\] is on ${other}, the current device is ${name}\. help`))
    })
    test('a misspelt option of init', async () => {
      await expect(init({ thread: 1 } as never)).rejects.toThrow(/^\[init\] unknown option 'thread'\. help: did you mean 'threads'\?/)
    })
    test('one that is not open', async () => {
      expect(() => wrong(device, 'tpu')).toThrow(/^\[device\] 'tpu' is not open\. help: .*open now: /)
      expect(() => zeros(2, { device: 'tpu' })).toThrow(/^\[device\] 'tpu' is not open/)
      await expect(toDevice(ones(2), 'tpu')).rejects.toThrow(/^\[device\] 'tpu' is not open/)
    })
  })

  test('an index outside the table is found by the device', async () => {
    const attempt = async (): Promise<unknown> => zeros(2, 3).gather(1, ints([2, 1], 7)).data()
    await expect(attempt()).rejects.toThrow(/\[gather\] index 7 is outside 0 … 2/)
    expect(await ones(2).sum().item()).toBe(2)
  })
  const lookups: readonly (readonly [string, () => Tensor])[] = [
    ['crossEntropy', () => F.crossEntropy(zeros(2, 3), ints([2], 7))],
    ['embedding', () => new nn.Embedding(3, 2).forward(ints([2], 7))],
    ['at', () => zeros(3, 2).at([0, 7])],
    ['setAt', () => zeros(3).setAt([ints([1], 7)], 1)],
    ['indexSelect', () => zeros(2, 3).indexSelect(1, ints([1], 7))],
    ['oneHot', () => F.oneHot(ints([1], 7), 3)],
  ]
  for (const [name, lookup] of lookups)
    test(`an index outside is the fault of ${name}`, async () => {
      const by = device().name === 'webgpu' ? '(gather|scatter)' : name
      await expect((async () => lookup().data())()).rejects.toThrow(new RegExp(`^\\[${by}\\] index 7 is outside 0 … 2`))
      expect(await ones(2).sum().item()).toBe(2)
    })

  test('a checkpoint that does not fit says which entries', async () => {
    await expect(new nn.Linear(2, 3).loadStateDict({ weigth: zeros(3, 2) })).rejects.toThrow(/\[loadStateDict\] 3 entries do not fit:[^]*weight .*missing[^]*bias .*missing[^]*weigth[^]*\nhelp: /)
  })
})
