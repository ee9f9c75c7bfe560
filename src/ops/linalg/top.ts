// What linear algebra has outside of its namespace; the functions of `input` are methods too.
export { choleskyInverse, choleskySolve, logdet, triangularSolve } from './solve.ts'
export { geqrf, luUnpack, ormqr } from './decompose.ts'
export { addbmm, addmv, addr, baddbmm, chainMatmul, cross, ger, inner, kron, vdot } from './products.ts'
export { pcaLowrank, svdLowrank } from './lowrank.ts'
export { cholesky, det, inverse, lu, luSolve, matrixExp, matrixPower, orgqr, pinverse, qr, slogdet, svd, vander } from './names.ts'
export { einsum } from '../einsum.ts'
