// Bad input to ops: the message names the op, what was given, and what would fit. Nothing runs before the input is checked, so one
// device is enough.
import { beforeAll, describe, expect, test } from 'vitest'
import { LampasError } from '../../src/core/errors.ts'
import { init } from '../../src/eager/device.ts'
import '../../src/eager/start.ts'
import * as extended from '../../src/ops/extended.ts'
import * as ops from '../../src/ops/index.ts'
import type { DType } from '../../src/core/dtype.ts'
import type { Tensor } from '../../src/ops/tensor.ts'

const x = (...shape: number[]): Tensor => ops.zeros(shape)
const ints = (...shape: number[]): Tensor => ops.zeros(shape, { dtype: 'int32' })

/** What a program without types could pass. */
const untyped = <T>(value: unknown): T => value as T

const mistakes: readonly (readonly [call: string, run: () => unknown, message: RegExp])[] = [
  ['add of shapes that do not broadcast', () => ops.add(x(2, 3), x(4)), /^\[add\] shapes \[2,3\] and \[4\] do not broadcast: axis 1 has sizes 3 and 4\. help: /],
  ['where of shapes that do not broadcast', () => ops.where(x(2).gt(0), x(3), 0), /^\[where\] shapes .*do not broadcast/],
  ['bitwiseAnd of floats', () => ops.bitwiseAnd(x(2), x(2)), /^\[bitwiseAnd\] expected integer or bool operands, got f32 and f32\. help: /],
  ['whole numbers divided by 0', () => ops.floorDivide(ints(3), 0), /^\[floorDivide\] i32\[3\] divided by 0/],
  ['whole numbers to a negative power', () => ops.pow(ints(3), -1), /^\[pow\] i32\[3\] to the power -1: whole numbers have no negative whole powers/],
  ['the negative of a bool', () => ops.neg(x(2).gt(0)), /^\[neg\] bool\[2\] has no negative\. help: x\.logicalNot\(\)/],
  ['maximum of a tensor and a number', () => ops.maximum(x(2), 1), /^\[maximum\] expected a tensor, got the number 1/],
  ['a number compared with a tensor', () => ops.eq(1, x(2)), /^\[eq\] expected a tensor, got the number 1/],
  ['a fraction as alpha of whole numbers', () => ops.add(ints(3), ints(3), { alpha: 0.5 }), /^\[add\] alpha is 0\.5, and both operands are whole/],
  ['an unknown rounding', () => ops.div(x(2), 2, untyped<ops.DivOptions>({ roundingMode: 'up' })), /^\[div\] there is no roundingMode 'up'/],
  ['an option that add does not have', () => ops.add(x(2), 1, untyped<ops.AlphaOptions>({ beta: 1 })), /^\[add\] unknown option 'beta'/],
  ['add of a string', () => ops.add(x(2), untyped<Tensor>('1')), /^\[add\] expected a tensor, got the string 1/],
  ['exp of a promise', () => ops.exp(untyped<Tensor>(Promise.resolve(1))), /^\[exp\] expected a tensor, got a Promise\. help: await it first/],
  ['in-place growth', () => x(3).add_(x(2, 3)), /^\[add_\] the result has shape \[2,3\], which does not fit into f32\[3\]/],
  ['in-place float into ints', () => ints(3).mul_(0.5), /^\[mul_\] a float32 result cannot be stored in i32\[3\]/],
  ['sum over a dim that is not there', () => ops.sum(x(2, 3), 2), /^\[sum\] dim 2 is outside -2 … 1 for a tensor of 2 dimensions/],
  ['sum over a dim twice', () => ops.sum(x(2, 3), [0, -2]), /^\[sum\] dims \[0,0\] name an axis twice/],
  ['mean of ints', () => ops.mean(ints(3)), /^\[mean\] expected a float tensor, got i32\[3\]\. help: .*float32/],
  ['amax of nothing', () => ops.amax(x(0)), /^\[amax\] f32\[0\] has no elements/],
  ['an option that is misspelt', () => ops.sum(x(2), untyped<ops.SumOptions>({ dims: 0 })), /^\[sum\] unknown option 'dims'\. help: did you mean 'dim'\?/],
  ['too many arguments', () => untyped<(...a: unknown[]) => unknown>(ops.sum)(x(2), 0, true, 1), /^\[sum\] \d positional arguments, at most \d expected/],
  ['softmax of ints', () => ops.softmax(ints(3), 0), /^\[softmax\] expected a float tensor, got i32\[3\]/],
  ['reshape to another count', () => ops.reshape(x(2, 3), 4), /^\[reshape\] f32\[2,3\] has 6 elements, which do not fill \[4\]/],
  ['reshape with a free size that does not divide', () => ops.reshape(x(2, 3), 4, -1), /^\[reshape\] f32\[2,3\] has 6 elements, which do not fill \[4,-1\]/],
  ['view of a transpose', () => ops.view(x(2, 3).t(), 6), /^\[view\] f32\[3,2\] with strides \[1,3\] cannot be seen as \[6\] without a copy\. help: use reshape/],
  ['permute with a dim twice', () => ops.permute(x(2, 3), 0, 0), /^\[permute\] dims \[0,0\] do not name each of the 2 dimensions/],
  ['expand of a size that is not 1', () => ops.expand(x(3), 4), /^\[expand\] f32\[3\] does not expand to \[4\]/],
  ['narrow beyond the end', () => ops.narrow(x(5), 0, 3, 4), /^\[narrow\] 3 … 7 is outside dimension 0 of f32\[5\]/],
  ['select beyond the end', () => ops.select(x(5), 0, 5), /^\[select\] index 5 is outside dimension 0 of f32\[5\]/],
  ['split sizes that do not add up', () => ops.split(x(5), [2, 2]), /^\[split\] sizes \[2,2\] do not add up to 5/],
  ['cat of other sizes', () => ops.cat([x(2, 3), x(2, 4)]), /^\[cat\] f32\[2,3\], f32\[2,4\] do not join along dim 0/],
  ['cat of nothing', () => ops.cat([]), /^\[cat\] expected a list of at least one tensor/],
  ['stack of different shapes', () => ops.stack([x(2), x(3)]), /^\[stack\] f32\[3\] and f32\[2\] have different shapes/],
  ['at with too many indices', () => ops.at(x(2, 3), 0, 0, 0), /^\[at\] 3 indices for f32\[2,3\]/],
  ['at with a slice that is none', () => ops.at(x(4), '1;3'), /^\[at\] '1;3' is not a slice/],
  ['at with a mask of another size', () => ops.at(x(4), x(3).gt(0)), /^\[at\] mask bool\[3\] does not fit dimensions 0 … of f32\[4\]/],
  ['gather with float indices', () => ops.gather(x(3), 0, x(2)), /^\[gather\] the index must be int32, got f32\[2\]/],
  ['gather with an index of another rank', () => ops.gather(x(3, 4), 1, ints(2)), /^\[gather\] index i32\[2\] does not fit f32\[3,4\] along dim 1/],
  ['scatterAdd of another dtype', () => ops.scatterAdd(x(3), 0, ints(2), ints(2)), /^\[scatterAdd\] src i32\[2\] and input f32\[3\] have different dtypes/],
  ['embedding with a vector for a table', () => ops.embedding(ints(2), x(3)), /^\[embedding\] the table must be a matrix, got f32\[3\]/],
  ['matmul of sizes that differ', () => ops.matmul(x(32, 784), x(128, 784)), /^\[matmul\] f32\[32,784\] @ f32\[128,784\]: inner sizes 784 and 128 differ\. help: transpose the second/],
  ['matmul of a scalar', () => ops.matmul(x(), x(3)), /^\[matmul\] f32\[\] @ f32\[3\]: both need at least one dimension/],
  ['matmul of mixed dtypes', () => ops.matmul(x(2, 3), ints(3, 2)), /^\[matmul\] f32\[2,3\] @ i32\[3,2\]: dtypes differ/],
  ['bmm of other batches', () => ops.bmm(x(2, 3, 4), x(3, 4, 5)), /^\[bmm\] f32\[2,3,4\] and f32\[3,4,5\] have different batch sizes/],
  ['linear of other features', () => ops.linear(x(2, 5), x(4, 3)), /^\[linear\] input f32\[2,5\] has 5 features, weight f32\[4,3\] expects 3/],
  ['conv2d of other channels', () => ops.conv2d(x(1, 3, 8, 8), x(4, 2, 3, 3)), /^\[conv2d\] input f32\[1,3,8,8\] has 3 channels, weight f32\[4,2,3,3\] with groups 1 expects 2/],
  ['conv2d with a kernel too large', () => ops.conv2d(x(1, 1, 2, 2), x(1, 1, 3, 3)), /^\[conv2d\] kernel \[3,3\] is larger than the padded input f32\[1,1,2,2\]/],
  ['conv1d of ints', () => ops.conv1d(ints(1, 2, 5), ints(3, 2, 3)), /^\[conv\w*\] expected input and weight of one float dtype/],
  ['maxPool2d of a vector', () => ops.maxPool2d(x(4), 2), /^\[maxPool2d\] expected 3 or 4 dimensions, got f32\[4\]/],
  ['maxPool2d with too much padding', () => ops.maxPool2d(x(1, 4, 4), 2, { padding: 2 }), /^\[maxPool2d\] padding \[2,2\] is more than half the kernel \[2,2\]/],
  ['topk of more than there are', () => ops.topk(x(3), 4), /^\[topk\] k = 4 of dimension -?\d of f32\[3\]/],
  ['max along two dims', () => untyped<(...a: unknown[]) => unknown>(ops.max)(x(2, 3), [0, 1]), /^\[max\] dim 0,1 is outside -2 … 1/],
  ['max of a number', () => untyped<(...a: unknown[]) => unknown>(ops.max)(2, x(3)), /^\[max\] expected a tensor, got the number 2/],
  ['median with keepdim alone', () => ops.median(x(3), untyped<{ dim: number }>({ keepdim: true })), /^\[median\] keepdim is given without a dim/],
  ['var with both unbiased and correction', () => ops.var(x(3), { unbiased: true, correction: 2 }), /^\[var\] both unbiased and correction are given/],
  ['norm of an unknown kind', () => ops.norm(x(3), untyped<'fro'>('max')), /^\[norm\] there is no norm 'max' here/],
  ['kthvalue beyond the last', () => extended.kthvalue(x(3), 4), /^\[kthvalue\] k = 4 of dimension 0 of f32\[3\]/],
  ['quantile above 1', () => extended.quantile(x(3), 1.5), /^\[quantile\] q is 1\.5\. help: a number from 0 to 1/],
  ['quantile of an unknown interpolation', () => extended.quantile(x(3), 0.5, { interpolation: untyped<'linear'>('cubic') }), /^\[quantile\] there is no interpolation 'cubic'/],
  ['sort of complex numbers', () => ops.sort(ops.zeros([3], { dtype: 'complex64' })), /^\[sort\] complex numbers have no order, got c64\[3\]/],
  ['cov of a stack', () => extended.cov(x(2, 3, 4)), /^\[cov\] expected at most two dimensions, got f32\[2,3,4\]/],
  ['cdist of rows of other lengths', () => extended.cdist(x(2, 3), x(2, 4)), /^\[cdist\] rows of f32\[2,3\] and f32\[2,4\] differ in length/],
  ['histc without bins', () => extended.histc(x(3), 0), /^\[histc\] bins is 0/],
  ['bincount of floats', () => extended.bincount(x(3)), /^\[bincount\] expected a vector of whole numbers, got f32\[3\]/],
  ['gradient of one sample', () => extended.gradient(x(1)), /^\[gradient\] dimension 0 of f32\[1\] has 1 samples/],
  ['clamp without bounds', () => ops.clamp(x(3)), /^\[clamp\] neither min nor max is given/],
  ['to a dtype that is none', () => ops.to(x(3), untyped<DType>('int64')), /^\[to\] 'int64' is not a dtype\. help: dtypes: /],
  ['maskedFill with a float mask', () => ops.maskedFill(x(3), x(3), 1), /^\[maskedFill\] the mask must be bool, got f32\[3\]/],
  ['oneHot of floats', () => ops.oneHot(x(3), 4), /^\[oneHot\] the classes must be int32, got f32\[3\]/],
  ['tensor of ragged rows', () => ops.tensor([[1, 2], [3]]), /^\[tensor\] nested arrays are ragged/],
  ['tensor with a shape that does not fit', () => ops.tensor([1, 2, 3], { shape: [2, 2] }), /^\[tensor\] 3 values do not fill shape \[2,2\]/],
  ['zeros of a negative size', () => ops.zeros(-1), /^\[zeros\] \[-1\] is not a shape/],
  ['arange that leads away', () => ops.arange(0, 5, -1), /^\[arange\] from 0 to 5 the step -1 leads away/],
  ['multinomial of too many', () => ops.multinomial(x(3), 4), /^\[multinomial\] 4 samples from 3 categories without replacement\. help: pass \{replacement: true\}/],
  ['manualSeed of a fraction', () => ops.manualSeed(0.5), /^\[manualSeed\] the seed 0\.5 is not a whole number/],
  ['requiresGrad on ints', () => ints(2).requiresGrad_(), /^\[requiresGrad_\] only float and complex tensors have gradients, this is i32\[2\]/],
  ['itemSync of several', () => x(2).itemSync(), /^\[item\] f32\[2\] has 2 elements, not one/],
]

beforeAll(async () => {
  await init({ device: 'reference' })
})

describe('mistakes', () => {
  test.each(mistakes)('%s', (_, run, message) => {
    expect(run).toThrow(LampasError)
    expect(run).toThrow(message)
  })
})
