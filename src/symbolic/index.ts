// The symbolic face: expressions, functions of them, gradients, loops. `import * as symbolic from 'lampas/symbolic'`.
import './layers.ts'

export { cond, ifelse, type Branch, type Condition } from './branch.ts'
export { checkpoint } from './checkpoint.ts'
export { customOp, type CustomDerivative, type CustomOp, type CustomSaved } from './custom.ts'
export { Expression, asNumber, size } from './expression.ts'
export { graph, named, tag } from './describe.ts'
export { customKernel, type CustomKernel, type Scalar, type ScalarLike, type ScalarMath } from './kernel.ts'
export { evaluate, func, type CopyOptions, type Func, type FuncSpec, type Given, type Input, type Outputs, type Results, type Updates } from './func.ts'
export {
  Lop, Rop, grad, gradClip, gradScale, hessian, jacobian, stopGradient, subgraphGrad, verifyGrad, type DerivativeOptions, type Disconnected, type GradOptions, type SubgraphOptions,
} from './gradient.ts'
export { ancestors, call, clone, dependsOn, inputsOf, isSameGraph, opFromGraph, replace, sharedOf, variablesOf, type GraphOpOptions, type Pairs } from './graph.ts'
export { Until, foldl, foldr, map, reduce, scan, until, type ScanOptions, type Sequence, type State, type Step, type StepResult } from './loops.ts'
export { assert, print, tap } from './looking.ts'
export { rewrite, type Matched, type OwnRewrite, type RewriteSpec } from './rewrite.ts'
export { RandomStreams, generatorOf, randomStreams } from './random.ts'
export { Shared, shared, type SharedOptions } from './shared.ts'
export * from './variables.ts'
export { whileLoop, type WhileOptions } from './while.ts'
export { debugprint, pp, toDot } from '../graph/print/index.ts'
