// The groups of golden cases: GROUP.json and GROUP.bin each.
export const groups = [
  'pointwise_unary', 'pointwise_binary', 'special', 'reduction', 'movement', 'indexing', 'sorting', 'linalg', 'nn_activation', 'nn_conv_pool',
  'nn_norm_linear', 'nn_loss', 'nn_attention', 'creation', 'complex', 'promotion', 'inplace', 'large', 'grad_edge',
] as const
