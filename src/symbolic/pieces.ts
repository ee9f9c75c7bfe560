// A piece of a loop on values. As `checkpoint` does, it keeps its inputs alone and is computed again for its derivative; it has several results.
import { isDifferentiable } from '../core/dtype.ts'
import { grad } from '../autograd/engine.ts'
import { enableGrad, isGradEnabled, noGrad } from '../autograd/mode.ts'
import { inScope } from '../eager/storage.ts'
import { type Tensor, zerosLike } from '../ops/index.ts'
import { copy_ } from '../ops/inplace.ts'
import type { Meta, Op } from '../ops/op.ts'
import { defaultGenerator } from '../ops/random.ts'
import { world } from '../ops/world.ts'
import { leavesOf, start } from './checkpoint.ts'

type Piece = (inputs: readonly Tensor[]) => readonly Tensor[]

interface Params {
  readonly fn: Piece
  /** Kinds of what it gives. */
  readonly metas: readonly Meta[]
  readonly count: number
  readonly leaves: readonly Tensor[]
  readonly drew: boolean
}

const WHY = 'it was a value inside of a piece of a loop'

const pieceOp: Op<Params> = {
  name: 'scan',
  infer: (_, { metas }) => [...metas],
  // The values are there already; they are written into this memory behind the op.
  lower: (k, _, { metas }) => metas.map(({ dtype, shape }) => k.alloc(dtype, shape)),
  vjp(grads, { inputs: saved, params: { fn, count, leaves, drew }, needs }) {
    const wanted = [...saved.keys()].filter(i => i < count + leaves.length && needs[i] && isDifferentiable(saved[i].dtype))
    const given = [...grads.keys()].filter(i => grads[i])
    const gradients = (args: readonly Tensor[], deep: boolean): Tensor[] => {
      const [gs, xs] = [args.slice(0, given.length), args.slice(given.length)]
      const ys = fn(xs)
      const flows = given.map((i, k) => ({ y: ys[i], g: gs[k] })).filter(({ y }) => y.requiresGrad)
      const targets = wanted.map(i => (i < count ? xs[i] : leaves[i - count]))
      const found = flows.length ? grad(flows.map(f => f.y), targets, { gradOutputs: flows.map(f => f.g), createGraph: deep, allowUnused: true }) : []
      return targets.map((x, i) => found[i] ?? zerosLike(x))
    }
    const generator = defaultGenerator()
    const now = drew ? generator.state.clone() : null
    if (drew) noGrad(() => copy_(generator.state, saved[count + leaves.length]))
    const all = [...given.map(i => grads[i]!), ...saved.slice(0, count)]
    const found = isGradEnabled()
      ? piece(args => gradients(args, true), all)
      : inScope(() => enableGrad(() => gradients(all.map((x, i) => (i < given.length ? x : begun(x))), false)), list => list, WHY)
    if (now) noGrad(() => copy_(generator.state, now))
    return saved.map((_, i) => found[wanted.indexOf(i)] ?? null)
  },
  saves: 'inputs',
}

const begun = (x: Tensor): Tensor => (isDifferentiable(x.dtype) ? start(x.detach()) : x)

/** What `fn` gives of the inputs. Nothing inside of it outlives the call. */
export function piece(fn: Piece, inputs: readonly Tensor[]): readonly Tensor[] {
  if (!isGradEnabled()) return inScope(() => fn(inputs), ys => ys, WHY)
  return inScope(() => {
    const generator = defaultGenerator()
    const before = generator.state.clone()
    const { version } = generator.state.source
    const xs = inputs.map(begun)
    const first = Math.min(Infinity, ...xs.map(x => x.gradFn?.order ?? Infinity))
    const results = fn(xs)
    const drew = generator.state.source.version !== version
    const leaves = leavesOf(results, xs, first)
    const params: Params = { fn, metas: results.map(({ dtype, shape }) => ({ dtype, shape })), count: inputs.length, leaves, drew }
    const ys = world().apply(pieceOp, [...inputs, ...leaves, ...(drew ? [before] : [])], params)
    noGrad(() => ys.forEach((y, i) => {
      copy_(y, results[i])
      y.gradVersion = y.source.version
    }))
    return ys
  }, ys => ys, WHY)
}
