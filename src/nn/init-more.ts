// Initial values with a structure. Sources: Saxe et al. 2014 (orthogonal), Zagoruyko & Komodakis 2017 (dirac), Martens 2010 (sparse).
import { fail } from '../core/errors.ts'
import { needTensor } from '../ops/define.ts'
import { argsort, eye, lt, randLike, where, type Tensor } from '../ops/index.ts'
import { copy_ } from '../ops/inplace.ts'
import { qr } from '../ops/linalg/decompose.ts'
import { normal_, zeros_, type DrawOptions } from './init.ts'
import { filling } from './skip.ts'

/** Ones on the diagonal of a matrix, zeros elsewhere: a linear layer then passes its input on. As `torch.nn.init.eye_`. */
export function eye_(x: Tensor): Tensor {
  if (needTensor('eye_', x).ndim !== 2) fail('eye_', `expected a matrix, got ${x}`, 'for convolutions there is dirac_')
  return filling(x, () => copy_(x, eye(x.shape[0], x.shape[1])))
}

/** Weights [out, in, …kernel] with which a convolution passes as many channels on as there are on both sides, in each group. As `torch.nn.init.dirac_`. */
export function dirac_(x: Tensor, groups = 1): Tensor {
  if (needTensor('dirac_', x).ndim < 3 || x.ndim > 5) fail('dirac_', `expected 3, 4 or 5 dimensions, got ${x}`, '[out, in, …kernel]')
  if (!Number.isInteger(groups) || groups < 1 || x.shape[0] % groups) fail('dirac_', `${x.shape[0]} channels of ${x} do not divide into ${String(groups)} groups`, 'groups must divide the first size')
  return filling(x, () => {
    zeros_(x)
    const centre = x.shape.slice(2).reduceRight((view, n) => view.select(-1, n >> 1), x)
    copy_(centre, eye(x.shape[0] / groups, x.shape[1]).repeat(groups, 1))
    return x
  })
}

/** Orthogonal rows or columns (whichever are fewer) of the matrix [first size, all others], times gain. As `torch.nn.init.orthogonal_`. */
export function orthogonal_(x: Tensor, gain = 1, options: DrawOptions = {}): Tensor {
  if (needTensor('orthogonal_', x).ndim < 2) fail('orthogonal_', `expected at least two dimensions, got ${x}`, 'biases are often zeros_')
  if (x.numel === 0) return x
  return filling(x, () => {
    const flat = normal_(x.detach().clone(), 0, 1, options).reshape(x.shape[0], -1)
    const wide = flat.shape[0] < flat.shape[1]
    const { Q, R } = qr(wide ? flat.t() : flat)
    // The signs make the distribution uniform (Mezzadri 2007).
    const q = Q.mul(R.diagonal().sign())
    return copy_(x, (wide ? q.t() : q).mul(gain).reshape(x.shape))
  })
}

/** Normal numbers in a matrix, with the share `sparsity` of each column set to 0. As `torch.nn.init.sparse_`. */
export function sparse_(x: Tensor, sparsity: number, std = 0.01, options: DrawOptions = {}): Tensor {
  if (needTensor('sparse_', x).ndim !== 2) fail('sparse_', `expected a matrix, got ${x}`, 'only matrices have columns')
  if (!(sparsity >= 0 && sparsity <= 1)) fail('sparse_', `sparsity is ${sparsity}`, 'give a share between 0 and 1')
  return filling(x, () => {
    const place = argsort(argsort(randLike(x.detach(), options), 0), 0)
    return copy_(x, where(lt(place, Math.ceil(sparsity * x.shape[0])), 0, normal_(x.detach().clone(), 0, std, options)))
  })
}
