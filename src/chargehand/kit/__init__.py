"""Small tools that know nothing of builds."""
