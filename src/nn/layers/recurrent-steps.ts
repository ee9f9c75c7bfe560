// One step of each recurrent network, from the gates' two linear parts: of the input and of the state.
import { add, mul, sub, type Tensor } from '../../ops/index.ts'

export type Nonlinearity = 'tanh' | 'relu'

export const rnnStep = (x: Tensor, h: Tensor, nonlinearity: Nonlinearity): Tensor => add(x, h)[nonlinearity]()

/** Gates in the order input, forget, cell, output (Gers et al. 2000): c ← f·c + i·g, h ← o·tanh c. */
export function lstmStep(x: Tensor, h: Tensor, c: Tensor): [h: Tensor, c: Tensor] {
  const [i, f, g, o] = add(x, h).chunk(4, -1)
  const next = add(mul(f.sigmoid(), c), mul(i.sigmoid(), g.tanh()))
  return [mul(o.sigmoid(), next.tanh()), next]
}

/** Gates in the order reset, update, new: n = tanh(xₙ + r·hₙ), h ← n + z·(h − n). */
export function gruStep(x: Tensor, h: Tensor, state: Tensor): Tensor {
  const [xr, xz, xn] = x.chunk(3, -1)
  const [hr, hz, hn] = h.chunk(3, -1)
  const n = add(xn, mul(add(xr, hr).sigmoid(), hn)).tanh()
  return add(n, mul(add(xz, hz).sigmoid(), sub(state, n)))
}
