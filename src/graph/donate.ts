// Which arguments of a compiled function are donated: by place, by name, or by the path of a part of them.
import { fail } from '../core/errors.ts'
import { Handle } from '../eager/storage.ts'
import { Tensor } from '../ops/tensor.ts'
import { isPlain } from './arguments.ts'

/** The tensor was donated: it is gone, and whoever uses it reads where it went. */
export function consume(x: Tensor, to: string): void {
  if (x.handle instanceof Handle) x.handle.release(`it was donated to ${to}`)
}

/** The paths of tensors in nested values, in the order of `tensorsIn`. */
function pathsIn(v: unknown, path: string): string[] {
  if (v instanceof Tensor) return [path]
  return Array.isArray(v) || isPlain(v) ? Object.entries(v).flatMap(([k, x]) => pathsIn(x, path === '' ? k : `${path}.${k}`)) : []
}

export class Donations {
  private readonly paths: readonly string[]

  constructor(
    private readonly name: string,
    donate: readonly (number | string)[],
    /** What the function calls its arguments, as far as that is known. */
    names: readonly string[],
  ) {
    if (!Array.isArray(donate)) fail('compile', `donate is ${String(donate)}`, "list arguments by place or name: compile(fn, { donate: [0, 'state'] })")
    this.paths = donate.map(d => {
      const [first, ...rest] = String(d).split('.')
      const place = /^\d+$/.test(first) ? Number(first) : names.indexOf(first)
      if (place < 0) fail('compile', `${name} has no argument '${first}' that could be donated`, names.length ? `its arguments: ${names.join(', ')}` : 'give its place: donate: [0]')
      return [place, ...rest].join('.')
    })
  }

  /** The places of donated tensors among all tensors in the arguments. */
  among(args: readonly unknown[]): number[] {
    const all = pathsIn(args, '')
    const inside = (path: string, outer: string): boolean => path === outer || path.startsWith(`${outer}.`)
    const empty = this.paths.find(d => !all.some(p => inside(p, d)))
    if (empty !== undefined) fail('compile', `${this.name} was called without a tensor in '${empty}', which is to be donated`, `tensors are in: ${all.join(', ') || 'none'}`)
    return all.flatMap((p, i) => (this.paths.some(d => inside(p, d)) ? [i] : []))
  }
}
