// The sorts of work that the picture tells apart.

export const kinds = {
  external: 'from outside',
  pointwise: 'element by element',
  product: 'product',
  reduction: 'reduction',
  movement: 'movement',
  indexing: 'by index',
  loop: 'loop',
} as const

export type Kind = keyof typeof kinds

const patterns: readonly (readonly [Kind, RegExp])[] = [
  ['loop', /^(scan|loop|repeat|while)/i],
  ['product', /^(matmul|bmm|mm|addmm|linear|conv|einsum|dot|outer|factor|lu|qr|svd|eigh|cholesky|solve|fft)/i],
  ['reduction', /^(reduce|rows|sum|prod|mean|var|std|norm|amax|amin|max|min|argmax|argmin|all|any|count|softmax|logSoftmax|logSumExp|standardize|cum|cumulate|logcumsumexp|sort|topk|fold)$|^(sum|reduce|arg)/],
  ['indexing', /^(gather|scatter|index|embedding|take|put|chosen|onehot|triangle)/i],
  ['movement', /^(reshape|expand|permute|transpose|select|slice|narrow|flip|cat|stack|pad|copy|asStrided|writeStrided|broadcast|diagonal|unfold|view|part|iota|full|arange|linspace|movedim|squeeze|unsqueeze)/],
]

export const kindOf = (op: string): Kind => patterns.find(([, pattern]) => pattern.test(op))?.[0] ?? 'pointwise'
