// Ops whose result's size depends on values: the twins that await give on every device what the forms that read at once give, with the
// same gradients; on a device that cannot read, and in a trace, the form that reads says so.
import { describe, expect, test } from 'vitest'
import * as lampas from '../../src/index.ts'
import { Tensor, arange, compile, tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const grid = (): Tensor => arange(12, { dtype: 'float32' }).reshape(3, 4).clone()
const classes = (): Tensor => tensor([1, 0, 3], { dtype: 'int32' })
const rows = [true, false, true]

interface Case {
  readonly name: string
  readonly now: (x: Tensor) => Tensor | Tensor[]
  readonly later: (x: Tensor) => Promise<Tensor | Tensor[]>
  readonly want: unknown
}
const cases: readonly Case[] = [
  { name: 'nonzero', now: x => x.remainder(5).lt(2).nonzero(), later: x => x.remainder(5).lt(2).nonzeroAsync(), want: [[[0, 0], [0, 1], [1, 1], [1, 2], [2, 2], [2, 3]]] },
  { name: 'nonzero as a tuple', now: x => x.gt(9).nonzero({ asTuple: true }), later: x => x.gt(9).nonzeroAsync({ asTuple: true }), want: [[2, 2], [2, 3]] },
  { name: 'argwhere', now: x => x.eq(7).argwhere(), later: x => x.eq(7).argwhereAsync(), want: [[[1, 3]]] },
  { name: 'maskedSelect', now: x => x.maskedSelect(x.gt(8)), later: x => x.maskedSelectAsync(x.gt(8)), want: [[9, 10, 11]] },
  { name: 'maskedSelect of nothing', now: x => x.maskedSelect(x.gt(20)), later: x => x.maskedSelectAsync(x.gt(20)), want: [[]] },
  { name: 'at', now: x => x.at(rows, [1, 3]), later: x => x.atAsync(rows, [1, 3]), want: [[1, 11]] },
  { name: 'at, mask in place', now: x => x.at(':', [true, false, false, true]), later: x => x.atAsync(':', [true, false, false, true]), want: [[[0, 3], [4, 7], [8, 11]]] },
  { name: 'setAt', now: x => x.clone().setAt([rows, [1, 3]], -1), later: x => x.clone().setAtAsync([rows, [1, 3]], -1), want: [[[0, -1, 2, 3], [4, 5, 6, 7], [8, 9, 10, -1]]] },
  { name: 'indexPut', now: x => x.indexPut([tensor(rows), classes().narrow(0, 0, 2)], tensor([20, 30]), true), later: x => x.indexPutAsync([tensor(rows), classes().narrow(0, 0, 2)], tensor([20, 30]), true), want: [[[0, 21, 2, 3], [4, 5, 6, 7], [38, 9, 10, 11]]] },
  { name: 'repeatInterleave', now: x => x.repeatInterleave(classes(), 0), later: x => x.repeatInterleaveAsync(classes(), 0), want: [[[0, 1, 2, 3], [8, 9, 10, 11], [8, 9, 10, 11], [8, 9, 10, 11]]] },
  { name: 'oneHot', now: () => classes().oneHot(), later: () => classes().oneHotAsync(), want: [[[0, 1, 0, 0], [1, 0, 0, 0], [0, 0, 0, 1]]] },
]

const list = (y: Tensor | Tensor[]): Tensor[] => (Array.isArray(y) ? y : [y])
const read = (y: Tensor | Tensor[]): Promise<unknown> => Promise.all(list(y).map(t => t.toArray()))

eachDevice(name => {
  for (const c of cases)
    describe(c.name, () => {
      test('awaited, with its gradient', async () => {
        const x = grid().requiresGrad_()
        const y = await c.later(x)
        expect(await read(y)).toEqual(c.want)
        const float = list(y).filter(t => t.requiresGrad)
        for (const t of float) t.mul(t).sum().backward({ retainGraph: true })
        if (name === 'webgpu') expect(() => c.now(grid())).toThrow(/cannot read at once.*await \w+Async\(…\)/)
        else {
          const z = grid().requiresGrad_()
          const now = c.now(z)
          expect(await read(now)).toEqual(c.want)
          for (const t of list(now).filter(t => t.requiresGrad)) t.mul(t).sum().backward({ retainGraph: true })
          expect(await z.grad?.toArray()).toEqual(await x.grad?.toArray())
        }
      })

      test('refused in a trace, both ways', () => {
        expect(() => compile((x: Tensor) => list(c.now(x)))(grid())).toThrow(/\[compile\] a value was read/)
        expect(() => compile((x: Tensor) => (void c.later(x), x))(grid())).toThrow(/\[compile\] a value was read/)
      })
    })

  test('many places are found in order', async () => {
    const n = 5000
    const places = await arange(n).remainder(7).eq(3).nonzeroAsync()
    expect(await places.flatten().toArray()).toEqual(Array.from({ length: n }, (_, i) => i).filter(i => i % 7 === 3))
  })
})

test('every function that awaits has a form that reads at once', () => {
  for (const name of Object.keys(lampas).filter(n => n.endsWith('Async'))) {
    const now = name.slice(0, -'Async'.length)
    expect(lampas).toHaveProperty(now)
    if (now in Tensor.prototype) expect(Tensor.prototype).toHaveProperty(name)
  }
})
