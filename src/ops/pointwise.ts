// The elementwise functions that every page needs. Rarer ones are in pointwise-more.ts.
export * from './arithmetic.ts'
export * from './comparison.ts'
export * from './elementary.ts'
export * from './rectifiers.ts'
