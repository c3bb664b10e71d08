import { TlogError, type TlogFault } from '../../src/index.ts';

/** Returns the fault of the refusal, or `none` where nothing is refused. Any other error is a defect, and passes. */
export function faultOf(refused: () => unknown): TlogFault | 'none' {
  try {
    refused();
  } catch (error) {
    if (error instanceof TlogError) return error.fault;
    throw error;
  }
  return 'none';
}

/** The same for what is awaited. */
export async function faultOfAsync(refused: () => Promise<unknown>): Promise<TlogFault | 'none'> {
  try {
    await refused();
  } catch (error) {
    if (error instanceof TlogError) return error.fault;
    throw error;
  }
  return 'none';
}
