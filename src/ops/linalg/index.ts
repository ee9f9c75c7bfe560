// torch.linalg. Eigenvalues of general matrices are complex and are not here.
export { cholesky, choleskyEx, eigh, eigvalsh, householderProduct, lu, luFactor, luFactorEx, luSolve, qr, svd, svdvals } from './decompose.ts'
export { cond, matrixNorm, matrixRank, norm, vectorNorm } from './norms.ts'
export { matrixExp, matrixPower, multiDot, vander } from './powers.ts'
export { diagonal, linalgCross as cross, matmul, vecdot } from './products.ts'
export { det, inv, invEx, lstsq, pinv, slogdet, solve, solveEx, solveTriangular, tensorinv, tensorsolve } from './solve.ts'
