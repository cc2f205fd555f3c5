export SHOP_HOME=/srv/shop/current
