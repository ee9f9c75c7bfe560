// Inputs that keep state, that are strict or not; reading and setting state by name; which random streams stand still.
import { expect, test } from 'vitest'
import { memory, symbolic, tensor, type Tensor } from '../../src/index.ts'
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

eachDevice(() => {
  test('what is given for state and whole numbers is checked as other inputs are', async () => {
    const [y, n] = [scalar('y'), symbolic.iscalar('n')]
    const f = func({ inputs: [{ variable: y, default: 1, update: y.mul(2) }], outputs: y })
    for (const wrong of [() => f([1, 2]), () => f.set('y', [1, 2]), () => func({ inputs: [{ variable: y, default: [1], update: y }], outputs: y })]) expect(wrong).toThrow(/input 'y' is f32\[\d\], it should have 0 dimensions/)
    f.set('y', 3)
    expect([await f().item(), await f(10).item(), await f.get('y').item()]).toEqual([3, 10, 20])
    const count = func({ inputs: [n, { variable: symbolic.ivector('v'), default: [] }], outputs: n.mul(2), onUnusedInput: 'ignore' })
    expect(await count(4, [1, 2]).item()).toBe(8)
    for (const wrong of [() => count(1.5), () => count(1, [2, 0.5]), () => count(1, Float32Array.of(0.5))]) expect(wrong).toThrow(/should be int32, it is given a number that is not whole/)
    expect(await func({ inputs: [{ variable: n, allowDowncast: true }], outputs: n })(1.5).item()).toBe(1)
  })

  test('wrong outputs, updates and swaps are named', async () => {
    const y = scalar('y')
    const s = symbolic.shared(0, { name: 's' })
    const of = (more: object): (() => unknown) => () => func({ inputs: [y], outputs: y, ...more })
    expect(of({ outputs: [y, undefined] })).toThrow(/an output is undefined/)
    expect(of({ onUnusedInput: 'ignored' })).toThrow(/onUnusedInput is 'ignored'/)
    expect(of({ updates: { s: y } })).toThrow(/the updates are no pairs/)
    expect(of({ updates: [[s, undefined]] })).toThrow(/the update of s is undefined/)
    for (const target of [y, s.mul(2), tensor(1)]) expect(of({ updates: [[target, y]] })).toThrow(/has an update, but is no shared variable or parameter/)
    expect(() => symbolic.shared(y)).toThrow(/\[shared\] y is an expression/)
    const f = func({ inputs: [y], outputs: s, updates: [[s, s.add(y)]], name: 'sum' })
    const swapped = (more: object): (() => unknown) => () => f.copy(more)
    expect(swapped({ swaps: [] })).toThrow(/\[sum\] unknown option 'swaps'/)
    expect(swapped({ swap: { s } })).toThrow(/swap has no pairs/)
    expect(swapped({ swap: [[s, tensor(1)]] })).toThrow(/s cannot be swapped for f32/)
    expect(swapped({ swap: [[s, symbolic.shared(tensor(1, { dtype: 'int32' }))]] })).toThrow(/both have one dtype/)
    expect(swapped({ swap: [[symbolic.shared(1, { name: 'r' }), s]] })).toThrow(/it has no shared variable r to swap/)
  })

  test('state and streams can be freed at once', () => {
    const before = memory().tensors
    const state = symbolic.shared([1, 2])
    const streams = new RandomStreams(1)
    const f = func({ outputs: streams.uniform([2]).add(state), updates: [[state, state.add(1)]] })
    f().dispose()
    f.free()
    expect(memory().tensors).toBe(before + 2)
    state.dispose()
    streams.dispose()
    expect([memory().tensors, state.alive]).toEqual([before, false])
    expect(() => f()).toThrow(/used after it was freed/)
  })
})

test('scalar is a variable without dimensions', () => expect(scalar('x').ndim).toBe(0))
