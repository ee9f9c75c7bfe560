// Lampas alone, wasm on one thread: MLP steps that grow along one measure at a time, all else as in the first.
const base = { batch: 64, width: 256, depth: 4 }
const sizes = { batch: [64, 128, 256, 512], width: [128, 256, 512, 1024], depth: [2, 4, 8, 16] }
export const growth = Object.entries(sizes).flatMap(([along, values]) =>
  values.map(value => {
    const size = { ...base, [along]: value }
    return { along, value, row: `growth ${along} ${value}`, ...size, flops: size.depth * 3 * 2 * size.batch * size.width ** 2 }
  }),
)
