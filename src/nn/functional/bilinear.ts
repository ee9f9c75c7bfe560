// A form that is linear in each of two inputs.
import { fail } from '../../core/errors.ts'
import { sameShape } from '../../core/shape.ts'
import { define, needTensor, type Described } from '../../ops/define.ts'
import { add, matmul, mul, type Tensor } from '../../ops/index.ts'

type Bilinear = ((input1: Tensor, input2: Tensor, weight: Tensor, bias?: Tensor | null | { bias?: Tensor | null }) => Tensor) & Described
/**
 * yₒ = Σ x1ᵢ·Wₒᵢⱼ·x2ⱼ + bₒ over the last dimensions: […, I], […, J], weight [O, I, J] → […, O]. As `torch.nn.functional.bilinear`.
 *
 * @example
 * F.bilinear(tensor([[1, 2]]), tensor([[3]]), tensor([[[1], [1]]])) // → tensor([[9.]])
 */
export const bilinear: Bilinear = define('bilinear', ['input1', 'input2', 'weight', 'bias'], ({ input1: x, input2: y, weight, bias }: { input1: Tensor; input2: Tensor; weight: Tensor; bias?: Tensor | null }) => {
  for (const t of [x, y, weight]) needTensor('bilinear', t)
  if (weight.ndim !== 3 || x.shape.at(-1) !== weight.shape[1] || y.shape.at(-1) !== weight.shape[2] || !sameShape(x.shape.slice(0, -1), y.shape.slice(0, -1)))
    fail('bilinear', `inputs ${x} and ${y} do not go with the weight ${weight}`, '[…, I] and […, J] with [out, I, J]')
  const [out, i, j] = weight.shape
  const forms = matmul(x, weight.permute(1, 0, 2).reshape(i, out * j)).reshape([...x.shape.slice(0, -1), out, j])
  const sums = mul(forms, y.unsqueeze(-2)).sum(-1)
  return bias ? add(sums, bias) : sums
})
