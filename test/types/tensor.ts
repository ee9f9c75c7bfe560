// What must and what must not compile: tensors and their operations.
import { add, device, init, noGrad, ones, randn, tensor, zeros } from 'lampas'
import type { DType, Tensor } from 'lampas'
import { same } from './same.ts'

const x: Tensor = tensor([[1, 2], [3, 4]])

same<Tensor>()(x.add(1).mul(x).matmul(x).relu().sum(1, { keepdim: true }))
same<Tensor>()(add(x, 1))
same<Promise<number>>()(x.sum().item())
same<Tensor | null>()(x.grad)
same<Tensor>()(noGrad(() => x.mul(2)))
same<DType>()(x.dtype)
tensor(new Float32Array(6), { shape: [2, 3], requiresGrad: true })
zeros([2, 3], { dtype: 'int32' })
x.sum({ dim: 1, keepdim: true })
x.at(':', '1:3')
x.at(0, -1)
init({ device: 'webgpu' })
init({ device: 'wasm', threads: 1 })

// @ts-expect-error a text is no data
tensor('1, 2, 3')
// @ts-expect-error there is no such element type
tensor([1, 2], { dtype: 'int64' })
// @ts-expect-error sizes are a list
zeros('2x3')
// @ts-expect-error a shape holds numbers
ones(['2', '3'])
// @ts-expect-error no operation has this name
x.times(2)
// @ts-expect-error a tensor is no operand of a plain sum
x + 1
// @ts-expect-error the second operand is missing
x.matmul()
// @ts-expect-error the option is spelt keepdim
x.sum(1, { keepDim: true })
// @ts-expect-error a dimension is a number
x.sum('rows')
// @ts-expect-error shapes cannot be changed
x.shape = [4]
// @ts-expect-error element types cannot be changed in place
x.dtype = 'int32'
// @ts-expect-error reading gives a promise
const n: number = x.sum().item()
// @ts-expect-error there is no such device
init({ device: 'gpu' })
// @ts-expect-error there is no such device
device('cuda')
// @ts-expect-error the option is spelt requiresGrad
randn([2, 3], { requires_grad: true })
