// Functions whose result depends on what they are given.
import { max, median, nanmedian, sum, tensor, unique, uniqueConsecutive, varMean } from 'lampas'
import type { Tensor, ValuesIndices } from 'lampas'
import { same } from './same.ts'

const x: Tensor = tensor([[1, 2], [3, 4]])

same<Tensor>()(x.max())
same<Tensor>()(x.max(x))
same<ValuesIndices>()(x.min(1))
same<ValuesIndices>()(x.min(1, true))
same<ValuesIndices>()(max(x, { dim: 0, keepdim: true }))
same<Tensor>()(max(x, x))
same<Tensor>()(median(x))
same<ValuesIndices>()(x.nanmedian(0))
same<Tensor>()(nanmedian(x))
same<Tensor>()(x.unique())
same<Tensor>()(unique(x, { dim: 0 }))
same<Tensor | Tensor[]>()(unique(x, { returnInverse: true }))
same<Tensor | Tensor[]>()(x.uniqueConsecutive(true))
same<Tensor>()(uniqueConsecutive(x))
same<[variance: Tensor, mean: Tensor]>()(varMean(x, 1, true))
same<Tensor>()(sum(x, [0, 1], true, { dtype: 'int32' }))
same<Tensor>()(x.std(false))
same<Tensor>()(x.norm('fro', [0, 1]))
same<ValuesIndices>()(x.kthvalue(2, { dim: 0 }))

// @ts-expect-error the two tensors are compared elementwise, along no dimension
x.max(x, 1)
// @ts-expect-error dimensions are numbers
x.median('rows')
// @ts-expect-error there is no such norm
x.norm('max')
