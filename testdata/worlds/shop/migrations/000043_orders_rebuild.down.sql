SELECT 1; -- the check and the foreign key stay
