"""Tables on SiTunes: mood before music, mood after it, whether music lifted it."""
