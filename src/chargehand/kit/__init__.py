"""Small tools, independent of builds."""
