/**
 * AssemblyScript's types in simd/layout.ts, the one AssemblyScript file that TypeScript imports: there all are numbers.
 */
declare type u8 = number
declare type u32 = number
declare type usize = number
