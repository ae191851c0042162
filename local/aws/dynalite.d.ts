declare module 'dynalite' {
  import type { Server } from 'node:http';

  export default function dynalite(options: {
    /** A folder to keep the tables in; in memory where left out. */
    path?: string;
    /** Milliseconds that a table takes to become ACTIVE. */
    createTableMs?: number;
  }): Server;
}
