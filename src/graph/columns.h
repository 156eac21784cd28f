#ifndef OURO_GRAPH_COLUMNS_H
#define OURO_GRAPH_COLUMNS_H

/* Lines of fields: which separator a file uses and which column holds what. Decided once, by the first line that
 * is neither blank nor a comment (first character # or %): if it names columns, fields are separated by tabs where
 * that line has tabs, by commas where it has commas, else by blanks. Other names than those of roles are ignored, but
 * in node files those that are nearly a role's are refused. */

#include "graph/text.h"

#define OURO_COLUMNS_ROLES 5

typedef struct ouro_columns {
  const char *role[OURO_COLUMNS_ROLES]; /* what a column can hold, e.g. "source" */
  int n_roles, n_required;              /* the first n_required roles must have a column */
  bool strict_tabs;                     /* a first line without names separates by tabs if it has any */
  int n_bare;                           /* strict_tabs: roles that a file has which names no columns */
  int n;                                /* columns of a line; 0: n_required to n_bare of them, as they come */
  int at[OURO_COLUMNS_ROLES];           /* column of each role, or -1 */
  char separator;                       /* ' ' (blanks and tabs), '\t' or ',' */
  int64_t header;                       /* offset of the line that names columns, or -1 */
} ouro_columns;

typedef struct ouro_field {
  const char *text; /* NULL: no such field on this line */
  size_t length;
} ouro_field;

/** Find out the columns of a file.
 *  Collective on comm.
 *  [in]    given   "source target samples", "-" for a column to skip; NULL: by header line or as they come
 *  [in]    key     of the configuration, named in errors about given
 *  [inout] columns roles are set by the caller, the rest is found
 *  Returns the same status on all ranks: OURO_OK, OURO_ECONFIG, OURO_EINPUT, OURO_EIO, OURO_ENOMEM. */
ouro_status ouro_columns_find(MPI_Comm comm, const char *path, const char *given, const char *key,
                              ouro_columns *columns);

/** Whether a line is blank, a comment or the line that names columns.
 *  Not collective. */
bool ouro_columns_skips(const ouro_columns *columns, const ouro_text *text, const char *line);

/** Split a line (which ends with '\n') into the fields of the roles.
 *  Not collective.
 *  [inout] line  quoted fields are unquoted in place
 *  [out]   field [n_roles]
 *  Returns OURO_OK or OURO_EINPUT: bytes that are no text, an empty field, too few or too many fields. */
ouro_status ouro_columns_split(const ouro_columns *columns, ouro_text *text, char *line, ouro_field *field);

/** A field for an error message: cut if long, without control bytes.
 *  Not collective.
 *  Returns out. */
const char *ouro_field_show(const ouro_field *field, char out[64]);

typedef enum ouro_number { OURO_NUMBER_INT, OURO_NUMBER_TOO_LONG, OURO_NUMBER_NONE } ouro_number;

/** The whole number a field is: an optional minus sign and digits.
 *  Not collective.
 *  [out] value set for OURO_NUMBER_INT only; OURO_NUMBER_TOO_LONG: more digits than an int64_t holds */
ouro_number ouro_field_number(const ouro_field *field, int64_t *value);

#endif
