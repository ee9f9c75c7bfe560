// Derivatives of functions: against formulas, against each other, nested, mapped and compiled.
import { expect, test } from 'vitest'
import { grad as tapeGrad } from '../../src/autograd/engine.ts'
import { noGrad } from '../../src/autograd/mode.ts'
import { grad, gradAndValue, hessian, jacfwd, jacrev, jvp, linearize, stackModuleState, vjp, vmap } from '../../src/func/index.ts'
import { compile } from '../../src/graph/compile.ts'
import * as nn from '../../src/nn/index.ts'
import { matmul, ones, randn, stack, tanh, tensor, zeros } from '../../src/ops/index.ts'
import type { Tensor } from '../../src/ops/tensor.ts'
import { eachDevice } from '../each-device.ts'
import { each, near } from './near.ts'

type Params = Record<string, Tensor>

eachDevice(() => {
  test('grad, as often as wanted', async () => {
    await near(grad((x: Tensor) => x.pow(3).sum())(tensor([1, 2])), tensor([3, 12]))
    await near(grad(grad(grad((x: Tensor) => x.pow(4))))(tensor(2)), tensor(48))
    await near(compile((x: Tensor) => grad(grad((y: Tensor) => y.pow(4)))(x))(tensor(2)), tensor(48))
  })

  test('arguments of many kinds, and what comes beside the value', async () => {
    const loss = (p: { w: Tensor; list: Tensor[] }, x: Tensor, power: number): [Tensor, Tensor] => {
      const y = p.w.mul(x).add(p.list[0]).pow(power)
      return [y.sum(), y]
    }
    const p = { w: tensor([1, 2]), list: [tensor([0, 1])] }
    const [g, more] = grad(loss, { hasAux: true })(p, tensor([3, 4]), 2)
    await near(g.w, tensor([18, 72]))
    await near(g.list[0], tensor([6, 18]))
    await near(more, tensor([9, 81]))
    expect(more.requiresGrad).toBe(false)
    const [[gx, gp], [value]] = gradAndValue(loss, { argnums: [1, 0], hasAux: true })(p, tensor([3, 4]), 2)
    await near(gx, tensor([6, 36]))
    await near(gp.w, g.w)
    await near(value, tensor(90))
    await near(grad((x: Tensor, y: Tensor) => x.mul(y), { argnums: -1 })(tensor(2), tensor(3)), tensor(2))
    await near(grad((x: Tensor) => x.detach().sum())(ones(2)), zeros(2))
  })

  test('what comes of it has a history only where something else follows it', async () => {
    const cost = (x: Tensor): Tensor => x.mul(x).sum()
    const [g, value] = gradAndValue(cost)(tensor([1, 2]))
    expect([g.requiresGrad, value.requiresGrad]).toEqual([false, false])
    const w = tensor([1, 2], { requiresGrad: true })
    const ofW = grad((x: Tensor) => x.mul(w).square().sum())
    await near(tapeGrad(ofW(tensor([3, 4])).sum(), [w])[0], tensor([12, 32]))
    expect(noGrad(() => ofW(tensor([3, 4]))).requiresGrad).toBe(false)
    await near(tapeGrad(grad(cost)(w).square().sum(), [w])[0], tensor([8, 16]))
    for (const of of [jacrev, jacfwd]) {
      expect(of(cost)(tensor([1, 2])).requiresGrad).toBe(false)
      await near(tapeGrad(of(cost)(w).square().sum(), [w])[0], tensor([8, 16]))
    }
    await near(tapeGrad(vmap(grad((x: Tensor) => x.pow(3)))(w).sum(), [w])[0], tensor([6, 12]))
    await near(tapeGrad(jvp(cost, [w], [ones(2)])[1], [w])[0], tensor([2, 2]))
    expect(w.grad).toBe(null)
  })

  test('gradients of each example, of a model, and through them', async () => {
    const model = new nn.Sequential(new nn.Linear(3, 4), new nn.Tanh(), new nn.Linear(4, 2))
    const params = Object.fromEntries([...model.namedParameters()].map(([name, p]) => [name, p.detach()]))
    const loss = (p: Params, x: Tensor, y: Tensor): Tensor => nn.functional.crossEntropy(model.functionalCall(p, x), y)
    const [x, y] = [randn(5, 3), tensor([0, 1, 1, 0, 1], { dtype: 'int32' })]
    const mapped = vmap(grad(loss), { inDims: [null, 0, 0] })
    const loop = (p: Params, name: string): Tensor => stack([0, 1, 2, 3, 4].map(i => grad(loss)(p, x.select(0, i), y.select(0, i))[name]))
    for (const name of Object.keys(params)) {
      await near(mapped(params, x, y)[name], loop(params, name))
      await near(compile((p: Params) => mapped(p, x, y)[name])(params), loop(params, name))
      const [penalty, same] = [(p: Params) => mapped(p, x, y)[name].square().sum(), (p: Params) => loop(p, name).square().sum()]
      await near(grad(penalty)(params)[name], grad(same)(params)[name])
      await near(compile((p: Params) => grad(penalty)(p)[name])(params), grad(same)(params)[name])
    }
  })

  test('Jacobians and Hessians', async () => {
    const [w, x] = [randn(3, 4), randn(4)]
    const f = (v: Tensor): Tensor => tanh(matmul(w, v))
    const slope = (v: Tensor): Tensor => f(v).square().neg().add(1).unsqueeze(1).mul(w)
    for (const of of [jacrev, jacfwd]) {
      await near(of(f)(x), slope(x))
      await near(of(f, { chunkSize: 2 })(x), slope(x))
      await near(compile((v: Tensor) => of(f)(v))(x), slope(x))
      await near(grad((v: Tensor) => of(f)(v).square().sum())(x), grad((v: Tensor) => slope(v).square().sum())(x))
      const [both] = of((a: Tensor, b: Tensor) => [a.mul(b)], { argnums: [0, 1] })(tensor([1, 2]), tensor([3, 4]))
      await near(both[0], tensor([[3, 0], [0, 4]]))
      await near(both[1], tensor([[1, 0], [0, 2]]))
    }
    const cost = (v: Tensor): Tensor => f(v).square().sum()
    const h = hessian(cost)(x)
    for (const other of [jacrev(jacrev(cost)), jacfwd(jacfwd(cost)), jacrev(jacfwd(cost)), jacrev(grad(cost)), compile((v: Tensor) => hessian(cost)(v))]) await near(other(x), h)
    const xs = randn(5, 4)
    await near(vmap(hessian(cost))(xs), each(hessian(cost), xs))
    const blocks = hessian((p: Params) => p.a.prod().mul(p.b))({ a: tensor([2, 3]), b: tensor(4) })
    await near(blocks.a.a, tensor([[0, 4], [4, 0]]))
    await near(blocks.a.b, tensor([3, 2]))
    await near(blocks.b.a, tensor([3, 2]))
    await near(blocks.b.b, tensor(0))
  })

  test('products with Jacobians', async () => {
    const f = (x: Tensor, y: Tensor): { a: Tensor; b: Tensor[] } => ({ a: x.mul(y), b: [x.exp(), y.sum()] })
    const [x, y] = [tensor([1, 2]), tensor([3, 4])]
    const [out, pull] = vjp(f, x, y)
    expect(out.a.requiresGrad).toBe(false)
    for (const turn of [1, 2]) {
      const [gx, gy] = pull({ a: tensor([turn, 0]), b: [zeros(2), tensor(5)] })
      await near(gx, tensor([3 * turn, 0]))
      await near(gy, tensor([turn + 5, 5]))
    }
    const [, t] = jvp(f, [x, y], [tensor([1, 0]), tensor([0, 1])])
    await near(t.a, tensor([3, 2]))
    await near(t.b[1], tensor(1))
    const [value, push] = linearize(f, x, y)
    await near(value.b[0], x.exp())
    await near(push(tensor([1, 0]), tensor([0, 1])).a, tensor([3, 2]))
    await near(push(tensor([0, 2]), tensor([0, 1])).a, tensor([0, 10]))
    await near(vmap((v: Tensor) => push(v, zeros(2)).a)(tensor([[1, 0], [0, 1]])), tensor([[3, 0], [0, 4]]))
  })

  test('ensembles', async () => {
    const models = [1, 2, 3].map(() => new nn.Sequential(new nn.Linear(3, 2), new nn.BatchNorm1d(2)).eval())
    const [params, buffers] = stackModuleState(models)
    expect([params['0.weight'].shape, params['0.weight'].isLeaf, params['0.weight'].requiresGrad, buffers['1.running_mean'].requiresGrad]).toEqual([[3, 2, 3], true, true, false])
    const run = (p: Params, b: Params, x: Tensor): Tensor => models[0].functionalCall({ ...p, ...b }, x)
    const x = randn(5, 3)
    const all = vmap(run, { inDims: [0, 0, null] })(params, buffers, x)
    await near(all, stack(models.map(m => m.forward(x))))
    all.square().sum().backward()
    stack(models.map(m => m.forward(x))).square().sum().backward()
    const grads = await Promise.all(models.map(async m => (await m.getParameter('0.weight').grad!.toArray())))
    await near(params['0.weight'].grad!, tensor(grads))
    expect(() => stackModuleState([models[0], new nn.Linear(3, 2)])).toThrow(/model 1 is of another kind/)
    expect(() => stackModuleState([new nn.Linear(3, 2), new nn.Linear(3, 4)])).toThrow(/'weight' is f32\[2,3\] in the first model, f32\[4,3\] in model 1/)
  })

  test('what they refuse', () => {
    const x = randn(3)
    expect(() => grad((v: Tensor) => v)(x)).toThrow(/\[grad\] the function gave f32\[3\].*jacrev/)
    expect(() => grad((v: Tensor) => v.sum(), { argnums: 1 })(x)).toThrow(/argnums names argument 1 of 1/)
    expect(() => grad((v: Tensor) => v.sum())(ones([2], { dtype: 'int32' }))).toThrow(/\[grad\] an argument to differentiate by is i32\[2\]/)
    expect(() => grad((n: number) => ones(1).mul(n))(2)).toThrow(/no tensor among the arguments/)
    expect(() => vjp((v: Tensor) => v.mul(2), x)[1](ones(2))).toThrow(/the cotangent f32\[2\] is for f32\[3\]/)
    expect(() => jvp((v: Tensor) => v.mul(2), [x], [] as unknown as [Tensor])).toThrow(/0 tangents for 1 tensors/)
    expect(() => jacrev((v: Tensor) => v.gt(0))(x)).toThrow(/\[jacrev\] there is no Jacobian of bool\[3\]/)
    expect(() => hessian((v: Tensor) => v.sum(), { argnum: 0 } as object)(x)).toThrow(/unknown option 'argnum'.*argnums/)
  })
})
