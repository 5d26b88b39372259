"""The inspector: one page that shows what happens in an emulator, and lets people act. Imported only if it is wanted.

Pure, as everything that is not the server: requests in; responses, requests to be carried out, or viewers out.
"""
