import { TallystickError } from '@tallystick/core';

/** Why a piece of a transparency log is refused, one name for each rule. */
export type TlogFault =
  // Merkle tree
  | 'hash'
  | 'index'
  | 'size'
  | 'inclusion'
  | 'consistency'
  // Tiles
  | 'tile_path'
  | 'tile'
  | 'bundle'
  // Signed notes
  | 'key_name'
  | 'key'
  | 'key_type'
  | 'note'
  | 'signature'
  | 'unsigned'
  // Checkpoints
  | 'checkpoint'
  | 'extension'
  | 'origin'
  | 'timestamp'
  // Proofs and policies
  | 'tlog_proof'
  | 'policy'
  | 'quorum'
  // Witnesses
  | 'add_checkpoint';

/** A refused piece of a transparency log. Its code is `log_invalid`; `fault` names the rule it broke. */
export class TlogError extends TallystickError {
  readonly fault: TlogFault;

  constructor(fault: TlogFault, description: string) {
    super('log_invalid', description);
    this.fault = fault;
  }
}
