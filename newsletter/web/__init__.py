"""Three web servers on one kit: public pages, preview, mail catcher."""
