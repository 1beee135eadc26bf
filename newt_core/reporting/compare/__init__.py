"""``newt compare``: runs beside each other, as numbers, tables and a picture."""
