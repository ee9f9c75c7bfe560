// Inputs that keep state, that are strict or not; reading and setting state by name; which random streams stand still.
import { expect, test } from 'vitest'
import { symbolic, tensor, type Tensor } from '../../src/index.ts'
import { eachDevice } from '../each-device.ts'

const { func, scalar, scalars, shared, vector, ivector, RandomStreams } = symbolic
const list = async (x: Tensor): Promise<number[]> => Array.from(await x.data())

eachDevice(() => {
  test('an input with an update keeps state; a call that gives a value sets it first', async () => {
    const [x, total] = scalars('x', 'total')
    const f = func({ inputs: [x, { variable: total, default: 10, update: total.add(x) }], outputs: total.mul(2) })
    expect(await f(1).item()).toBe(20)
    expect(await f(5).item()).toBe(22)
    expect(await f.get('total').item()).toBe(16)
    expect(await f(1, 100).item()).toBe(200)
    expect(await f({ x: 1, total: 3 }).item()).toBe(6)
    f.set('total', 7)
    expect([f.state, await f(0).item()]).toEqual([['total'], 14])
    expect(() => f.get('x')).toThrow(/no state 'x'.*state: total/)
  })

  test('state of another shape, and two functions of their own', async () => {
    const [x, sum] = [vector('x'), vector('sum')]
    const make = () => func({ inputs: [x, { variable: sum, default: [0, 0], update: sum.add(x) }], outputs: sum })
    const [f, g] = [make(), make()]
    f([1, 2])
    expect(await list(g([5, 5]))).toEqual([0, 0])
    f.set('sum', [1, 1, 1])
    f([1, 2, 3])
    expect(await list(f.get('sum'))).toEqual([2, 3, 4])
    const still = f.copy({ deleteUpdates: true })
    expect(await list(still([1, 1, 1]))).toEqual([2, 3, 4])
    expect(await list(still([1, 1, 1]))).toEqual([2, 3, 4])
  })

  test('shared variables by name', async () => {
    const x = vector('x')
    const [w, unnamed] = [shared([1, 2], { name: 'w' }), shared([0, 0])]
    const f = func({ inputs: [x], outputs: x.mul(w), updates: [[unnamed, unnamed.add(x)]] })
    f.set('w', [3, 4])
    expect([f.state, await list(w.get()), await list(f([1, 1])), await list(f.get('w'))]).toEqual([['w'], [3, 4], [3, 4], [3, 4]])
  })

  test('strict, allowDowncast', async () => {
    const [x, n] = [vector('x'), ivector('n')]
    const strict = func({ inputs: [{ variable: x, strict: true }], outputs: x.mul(2) })
    expect(await list(strict(tensor([1, 2])))).toEqual([2, 4])
    expect(() => strict([1, 2])).toThrow(/'x' is strict/)
    expect(() => strict(tensor([1, 2], { dtype: 'int32' }))).toThrow(/'x' is strict/)
    const plain = func({ inputs: [n], outputs: n.mul(2) })
    expect(() => plain(tensor([1.5]))).toThrow(/should be int32/)
    const any = func({ inputs: [{ variable: n, allowDowncast: true }], outputs: n.mul(2) })
    expect(await list(any(tensor([1.5, 2])))).toEqual([2, 4])
    const all = func({ inputs: [n], outputs: n.mul(2), allowDowncast: true })
    expect(await list(all(tensor([1.5, 2])))).toEqual([2, 4])
    const none = func({ inputs: [x], outputs: x.mul(2), allowDowncast: false })
    expect(await list(none([1.5]))).toEqual([3])
    expect(await list(none(tensor([true])))).toEqual([2])
    expect(() => func({ inputs: [{ variable: x, defualt: 1 } as never], outputs: x })).toThrow(/defualt/)
    expect(() => func({ inputs: [{ variable: x, update: x }], outputs: x })).toThrow(/no value to begin with/)
  })

  test('default updates of some random streams only', async () => {
    const streams = new RandomStreams(3)
    const [u, v] = [streams.uniform([2]), streams.uniform([2])]
    const f = func({ outputs: { u, v }, noDefaultUpdates: [u] })
    const [a, b] = [f(), f()]
    expect(await list(a.u)).toEqual(await list(b.u))
    expect(await list(a.v)).not.toEqual(await list(b.v))
    const g = func({ outputs: u, noDefaultUpdates: true })
    expect(await list(g())).toEqual(await list(g()))
  })

  test('types are compared', () => {
    const [x, y] = symbolic.matrices('x', 'y')
    const own = symbolic.tensorType('float32', [false, true])
    expect([symbolic.sameType(x, y), symbolic.sameType(own('a'), symbolic.col('b'))]).toEqual([true, true])
    for (const other of [symbolic.imatrix(), symbolic.vector(), own(), symbolic.matrix({ dynamic: [0] })]) expect(symbolic.sameType(x, other)).toBe(false)
  })

  test('variables of six and seven dimensions, plurals with letters, types of one\'s own', async () => {
    const [a, b] = symbolic.ivectors('a', 'b')
    expect(a.dtype).toBe('int32')
    expect(await list(func({ inputs: [a, b], outputs: a.add(b) })([1, 2], [3, 4]))).toEqual([4, 6])
    const x = symbolic.tensor7('x')
    const f = func({ inputs: [x], outputs: x.sum(3).add(1).transpose(0, 5) })
    const y = f(tensor(Array.from({ length: 64 }, (_, i) => i)).reshape(2, 1, 2, 2, 2, 2, 2))
    expect([y.shape, (await list(y))[0]]).toEqual([[2, 1, 2, 2, 2, 2], 9])
    expect(symbolic.dtensor6('z').ndim).toBe(6)
    const t = symbolic.tensorType('float32', [false, true])
    const w = t('w')
    const h = func({ inputs: [w], outputs: w.sum(1) })
    expect(await list(h([[1], [2]]))).toEqual([1, 2])
    expect(() => h([[1, 2]])).toThrow(/axis 1 should have one element/)
  })
})

test('scalar is a variable without dimensions', () => expect(scalar('x').ndim).toBe(0))
