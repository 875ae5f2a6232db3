"""The addresses of imports: one page a step, each of which can be left and come back to."""

from django.urls import path

from alignment.integrations import views

urlpatterns = [
    path("import/", views.imports, name="imports"),
    path("import/<int:pk>/", views.show, name="import"),
    path("import/<int:pk>/columns/", views.columns, name="import_columns"),
    path("import/<int:pk>/preview/", views.preview, name="import_preview"),
    path("import/<int:pk>/run/", views.run, name="import_run"),
    path("import/<int:pk>/discard/", views.discard, name="import_discard"),
    path("import/<int:pk>/cancel/", views.cancel, name="import_cancel"),
    path("import/<int:pk>/resume/", views.resume, name="import_resume"),
    path("import/<int:pk>/undo/", views.undo, name="import_undo"),
    path("import/<int:pk>/rows/", views.rows, name="import_rows"),
    path("import/<int:pk>/leads/", views.leads, name="import_leads"),
    path("import/<int:pk>/mapping.json", views.mapping, name="import_mapping"),
]
