// einsum: each operand's dimensions get labels; what stands on several is multiplied, what is not in the result is summed. Two operands at a
// time become one, the pair with the smallest work first, by a matrix product.
import { fail } from '../core/errors.ts'
import { numel } from '../core/shape.ts'
import { cast } from './cast.ts'
import { describe, needTensor, type Described } from './define.ts'
import { matmul } from './matmul.ts'
import { diagonal, expand, permute, reshape, squeeze, unsqueeze } from './movement.ts'
import { mul } from './pointwise.ts'
import { sum } from './reduce.ts'
import type { Tensor } from './tensor.ts'

const OP = 'einsum'

/** A tensor and one label for each of its dimensions: a letter, or a number for a dimension of '...', counted from the right. */
interface Term {
  readonly x: Tensor
  readonly labels: readonly Label[]
}
type Label = string | number

interface Equation {
  readonly terms: readonly Term[]
  readonly result: readonly Label[]
}

const bad = (problem: string, help = "write as 'ij,jk->ik'"): never => fail(OP, problem, help)

/** The letters of one operand, '...' as one entry. */
function symbols(text: string): string[] {
  const parts = text.match(/\.\.\.|[a-zA-Z]/g) ?? []
  if (parts.join('') !== text) bad(`'${text}' is no list of labels`, "labels are letters; '...' stands for any further dimensions")
  if (parts.filter(p => p === '...').length > 1) bad(`'${text}' has '...' twice`)
  return parts
}

const labelsFor = (parts: readonly string[], rank: number): Label[] => {
  const more = rank - parts.filter(p => p !== '...').length
  return parts.flatMap((p): Label[] => (p === '...' ? Array.from({ length: more }, (_, i) => more - 1 - i) : [p]))
}

function parse(equation: string, operands: readonly Tensor[]): Equation {
  const text = equation.replaceAll(' ', '')
  const [left, right, extra] = text.split('->')
  if (extra !== undefined) bad(`'${equation}' has '->' twice`)
  const inputs = left.split(',')
  if (inputs.length !== operands.length) bad(`'${equation}' is for ${inputs.length} operands, got ${operands.length}`, 'operands are divided by commas')
  const terms = inputs.map((input, i): Term => {
    const x = operands[i]
    const parts = symbols(input)
    const named = parts.filter(p => p !== '...').length
    if (parts.includes('...') ? named > x.ndim : named !== x.ndim) bad(`'${input}' names ${named} dimensions, operand ${i} is ${x}`, 'one letter for each dimension')
    return { x, labels: labelsFor(parts, x.ndim) }
  })
  const all = terms.flatMap(t => t.labels)
  const dots = Math.max(-1, ...all.filter(l => typeof l === 'number')) + 1
  const leading = Array.from({ length: dots }, (_, i) => dots - 1 - i)
  if (right === undefined) {
    const letters = all.filter(l => typeof l === 'string')
    return { terms, result: [...leading, ...[...new Set(letters)].filter(l => letters.filter(k => k === l).length === 1).sort()] }
  }
  const parts = symbols(right)
  const result = parts.flatMap((p): Label[] => (p === '...' ? leading : [p]))
  for (const l of result) if (!all.includes(l)) bad(`the result has '${l}', which no operand has: '${equation}'`)
  if (new Set(result).size !== result.length) bad(`the result of '${equation}' names a label twice`)
  return { terms, result }
}

/** A label that stands twice on one operand takes its diagonal. */
function withoutRepeats({ x, labels }: Term): Term {
  const second = labels.findIndex((l, i) => labels.indexOf(l) !== i)
  if (second < 0) return { x, labels }
  const first = labels.indexOf(labels[second])
  if (x.shape[first] !== x.shape[second]) bad(`'${labels[first]}' stands for sizes ${x.shape[first]} and ${x.shape[second]} of ${x}`, 'a repeated label needs equal sizes')
  return withoutRepeats({ x: diagonal(x, 0, first, second), labels: [...labels.filter((_, i) => i !== first && i !== second), labels[first]] })
}

function sizesOf(terms: readonly Term[]): Map<Label, number> {
  const sizes = new Map<Label, number>()
  for (const { x, labels } of terms)
    labels.forEach((l, i) => {
      const [known, n] = [sizes.get(l) ?? 1, x.shape[i]]
      if (known !== 1 && n !== 1 && known !== n) bad(`'${String(l)}' stands for sizes ${known} and ${n}`, 'sizes of one label must be equal, or 1')
      sizes.set(l, known === 1 ? n : known)
    })
  return sizes
}

/** Dimensions of size 1 of a label that is larger elsewhere are left out: products broadcast. */
const withoutOnes = ({ x, labels }: Term, sizes: ReadonlyMap<Label, number>): Term => {
  const ones = [...labels.keys()].filter(i => x.shape[i] === 1 && sizes.get(labels[i]) !== 1)
  return ones.length ? { x: squeezed(x, ones), labels: labels.filter((_, i) => !ones.includes(i)) } : { x, labels }
}
const squeezed = (x: Tensor, dims: readonly number[]): Tensor => dims.toReversed().reduce((y, d) => squeeze(y, d), x)

/** Sums what is not wanted any more. */
function reduced({ x, labels }: Term, keep: ReadonlySet<Label>): Term {
  const gone = [...labels.keys()].filter(i => !keep.has(labels[i]))
  return gone.length ? { x: cast(sum(x, gone), x.dtype), labels: labels.filter(l => keep.has(l)) } : { x, labels }
}

/** The dimensions in the order of `labels`; those that the term lacks have size 1. */
const aligned = ({ x, labels }: Term, order: readonly Label[]): Tensor => {
  const present = permute(x, order.filter(l => labels.includes(l)).map(l => labels.indexOf(l)))
  return order.reduce<Tensor>((y, l, i) => (labels.includes(l) ? y : unsqueeze(y, i)), present)
}

/** The product of two terms, summed over what `keep` does not have. */
function contract(a: Term, b: Term, keep: ReadonlySet<Label>, sizes: ReadonlyMap<Label, number>): Term {
  const both = a.labels.filter(l => b.labels.includes(l))
  const [batch, summed] = [both.filter(l => keep.has(l)), both.filter(l => !keep.has(l))]
  const [x, y] = [reduced(a, new Set([...keep, ...both])), reduced(b, new Set([...keep, ...both]))]
  const left = x.labels.filter(l => !both.includes(l))
  const right = y.labels.filter(l => !both.includes(l))
  const labels = [...batch, ...left, ...right]
  if (summed.length === 0 || (left.length === 0 && right.length === 0)) {
    const order = [...labels, ...summed]
    return reduced({ x: mul(aligned(x, order), aligned(y, order)), labels: order }, keep)
  }
  const shape = (list: readonly Label[]): number[] => list.map(l => sizes.get(l)!)
  const [nb, nl, ns, nr] = [batch, left, summed, right].map(list => numel(shape(list)))
  const joined = matmul(
    reshape(aligned(x, [...batch, ...left, ...summed]), batch.length ? [nb, nl, ns] : [nl, ns]),
    reshape(aligned(y, [...batch, ...summed, ...right]), batch.length ? [nb, ns, nr] : [ns, nr]),
  )
  return { x: reshape(joined, shape(labels)), labels }
}

type Sublist = readonly number[]

/** `einsum(x, [0, 1], y, [1, 2], [0, 2])`: numbers in the place of letters. */
function fromSublists(args: readonly unknown[]): [string, Tensor[]] {
  const letter = (n: number): string => String.fromCharCode(n < 26 ? 65 + n : 71 + n)
  const lists = args.filter(a => Array.isArray(a)) as Sublist[]
  const operands = args.filter(a => !Array.isArray(a)).map(x => needTensor(OP, x))
  const text = lists.map(list => list.map(letter).join(''))
  return [text.slice(0, operands.length).join() + (text.length > operands.length ? `->${text.at(-1)}` : ''), operands]
}

/**
 * Sum of products by labels: `einsum('ij,jk->ik', a, b)` is a matrix product, `'ii->i'` a diagonal, `'...ij->...ji'` a transpose. Without
 * `->` the result has the labels that stand once, in alphabetical order. Operands may come in a list. As `torch.einsum`.
 *
 * @example
 * einsum('ij,jk->ik', randn(2, 3), randn(3, 4))   // f32[2,4]
 * einsum('ii', tensor([[1, 2], [3, 4]])) // → tensor(5.)
 */
export const einsum: ((equation: string, ...operands: (Tensor | readonly Tensor[])[]) => Tensor) & Described = describe((equation: string | Tensor, ...operands: (Tensor | readonly Tensor[] | Sublist)[]) => {
  const [text, list] = typeof equation === 'string' ? [equation, operands.flat().map(x => needTensor(OP, x))] : fromSublists([equation, ...operands])
  if (list.length === 0) bad('there are no operands')
  const { terms, result } = parse(text, list)
  const plain = terms.map(withoutRepeats)
  const sizes = sizesOf(plain)
  let rest = plain.map(t => withoutOnes(t, sizes))
  const wanted = (others: readonly Term[]): Set<Label> => new Set([...result, ...others.flatMap(t => t.labels)])
  rest = rest.map((t, i) => reduced(t, wanted(rest.filter((_, k) => k !== i))))
  while (rest.length > 1) {
    const [i, j] = cheapestPair(rest, sizes)
    const others = rest.filter((_, k) => k !== i && k !== j)
    rest = [...others, contract(rest[i], rest[j], wanted(others), sizes)]
  }
  const last = reduced(rest[0], new Set(result))
  return expand(aligned(last, result), result.map(l => sizes.get(l)!))
}, 'einsum', ['equation', '...operands'])

/** The two terms whose product is the least work. */
function cheapestPair(terms: readonly Term[], sizes: ReadonlyMap<Label, number>): [number, number] {
  const work = (labels: Iterable<Label>): number => numel([...labels].map(l => sizes.get(l)!))
  let best: [number, number] = [0, 1]
  let least = Infinity
  for (let i = 0; i < terms.length; i++)
    for (let j = i + 1; j < terms.length; j++) {
      const cost = work(new Set([...terms[i].labels, ...terms[j].labels]))
      if (cost < least) [least, best] = [cost, [i, j]]
    }
  return best
}
