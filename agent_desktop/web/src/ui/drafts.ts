/** What the agent has begun for a contact and the server does not know yet: the chosen disposition. */
import { create } from "zustand";
import { saveNote } from "../engine/desktop";
import { NoteKeeper, type NoteState } from "../engine/notes";

interface Drafts {
  disposition: Record<string, string>;
  noteState: Record<string, NoteState>;
  choose: (contact: string, disposition: string) => void;
}

export const useDrafts = create<Drafts>((set) => ({
  disposition: {},
  noteState: {},
  choose: (contact, disposition) => set((state) => ({ disposition: { ...state.disposition, [contact]: disposition } })),
}));

const keepers = new Map<string, NoteKeeper>();

/** One keeper per contact: the same text under the call, in the wrap-up, and after a moment without the card. */
export function keeperOf(contact: string, text: string): NoteKeeper {
  let keeper = keepers.get(contact);
  if (!keeper) {
    keeper = new NoteKeeper(contact, text, {
      save: saveNote,
      onState: (state) => useDrafts.setState((drafts) => ({ noteState: { ...drafts.noteState, [contact]: state } })),
    });
    keepers.set(contact, keeper);
    if (keepers.size > 8) {
      const [oldest] = keepers.keys();
      if (oldest) {
        keepers.get(oldest)?.stop();
        keepers.delete(oldest);
      }
    }
  }
  return keeper;
}
