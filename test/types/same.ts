// Types compared for identity: `same<A>()(value)` compiles when the value's type is exactly A.
type Identical<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

export const same =
  <A>() =>
  <B>(_value: B, ..._proof: Identical<A, B> extends true ? [] : [never]): void => {}
