// Functions of functions, as torch.func: `import { grad, vmap } from 'lampas/func'`.
export { grad, gradAndValue, hessian, jacfwd, jacrev, jvp, linearize, vjp, type GradOptions, type JacobianOptions } from './derivatives.ts'
export { stackModuleState } from './state.ts'
export { vmap, type Dims, type VmapOptions } from './vmap.ts'
