/** Takes the room of rows of a long table that are not in view (`ui/longlist`). */

/** Pixels of a row of a long table (floor.css). */
export const ROW = 46;

export function Away({ rows, columns }: { rows: number; columns: number }) {
  if (rows <= 0) return null;
  return (
    <tr aria-hidden className="away">
      <td colSpan={columns} style={{ height: rows * ROW }} />
    </tr>
  );
}
